// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/report.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::worker {
namespace {

std::string reported(const std::function<void(const Report&)>& report) {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  report(Report(ends[1]));
  close(ends[1]);
  std::string text(65536, '\0');
  ssize_t size = read(ends[0], text.data(), text.size());
  close(ends[0]);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

TEST(Report, IsALineOfJson) {
  EXPECT_EQ(reported([](const Report& report) { report.streaming(); }),
            "{\"state\":\"streaming\"}\n");
  base::Error error{base::ErrorKind::connection, "the server is away\nfor now", "start it"};
  EXPECT_EQ(reported([&](const Report& report) { report.retrying(error); }),
            R"({"state":"retrying","error":"the server is away\nfor now","hint":"start it"})"
            "\n");
  EXPECT_EQ(nlohmann::json::parse(reported([&](const Report& report) { report.ended(error); })),
            nlohmann::json::parse(
                R"({"state":"ended","error":"the server is away\nfor now","hint":"start it"})"));
}

TEST(Report, QuotesTheBeginningOfALongError) {
  std::string accents;
  while (accents.size() < 1UL << 20) accents += "\u00e9";
  base::Error error{base::ErrorKind::connection, "x" + accents, std::string(1UL << 20, '\x01')};
  std::string line = reported([&](const Report& report) { report.retrying(error); });
  ASSERT_EQ(line.find('\n'), line.size() - 1);
  auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["error"], "x" + accents.substr(0, 3998) + " ...");
  EXPECT_EQ(json["hint"], std::string(4000, '\x01') + " ...");
}

TEST(Report, NobodyNeedsToRead) {
  Report(-1).streaming();
  Report(1000000).streaming();
}

}  // namespace
}  // namespace bemi::worker
