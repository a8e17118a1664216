// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/output.hpp"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Table, AlignsAndNeverLetsControlCharactersOut) {
  Table table{.headers = {"key", "value"}, .rows = {{"1", "a\nb\x1b[31m"}, {std::nullopt, "x"}}};
  EXPECT_EQ(render_table(table, std::nullopt),
            " key │ value\n"
            "─────┼─────────\n"
            " 1   │ a⏎b·[31m\n"
            "     │ x\n");
}

TEST(Table, FitsTheTerminal) {
  Table table{.headers = {"key", "value"}, .rows = {{"1", std::string(200, 'x')}}};
  std::string text = render_table(table, 40);
  EXPECT_NE(text.find("…"), std::string::npos);
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos;
       at = end + 1) {
    std::size_t characters = 0;
    for (char c : text.substr(at, end - at)) characters += (c & 0xc0) != 0x80 ? 1 : 0;
    EXPECT_LE(characters, 40U);
  }
}

TEST(Csv, QuotesAsRfc4180) {
  Table table{.headers = {"a", "b"}, .rows = {{"x,\"y\"", std::nullopt}, {"", "z"}}};
  EXPECT_EQ(render_csv(table, true), "a,b\r\n\"x,\"\"y\"\"\",\r\n\"\",z\r\n");
}

}  // namespace
}  // namespace cli
