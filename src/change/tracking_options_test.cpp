// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/tracking_options.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::change {
namespace {

using nlohmann::ordered_json;

TrackingOptions every_option() {
  TrackingOptions options;
  options.include = {"shop.*"};
  options.exclude = {"shop.log", "shop.\"Odd, table\""};
  options.ignore_columns = {"shop.user.seen_at"};
  options.redact_columns = {"shop.user.password"};
  options.retention = {"90d", "todo=30d"};
  options.replica_identity = "keep";
  options.snapshot = "none";
  return options;
}

TEST(TrackingOptions, AreReadBackAsTheyWereWritten) {
  ordered_json json = to_json(every_option());
  EXPECT_EQ(json.dump(),
            R"({"include":["shop.*"],"exclude":["shop.log","shop.\"Odd, table\""],)"
            R"("ignore_columns":["shop.user.seen_at"],"redact_columns":["shop.user.password"],)"
            R"("retention":["90d","todo=30d"],"replica_identity":"keep","snapshot":"none"})");
  EXPECT_EQ(to_json(read_tracking_options(json).value()), json);
}

TEST(TrackingOptions, AreTheDefaultsWhereTheRecordLacksThem) {
  EXPECT_EQ(to_json(read_tracking_options(ordered_json::object()).value()),
            to_json(TrackingOptions()));
  EXPECT_EQ(TrackingOptions().replica_identity, tracking_choices()[0].words.front());
  EXPECT_EQ(TrackingOptions().snapshot, tracking_choices()[1].words.front());
}

TEST(TrackingOptions, AreNotTakenForNoneWhereTheRecordIsOfAnotherType) {
  for (const char* text : {R"({"redact_columns": "todo.secret"})", R"({"exclude": [1]})",
                           R"({"include": null})", R"({"snapshot": null})", "[]", "null"}) {
    auto read = read_tracking_options(ordered_json::parse(text));
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, base::ErrorKind::malformed_message) << text;
  }
}

TEST(TrackingOptions, AreOneFlagForEachValue) {
  EXPECT_EQ(arguments_of(every_option()),
            (std::vector<std::string>{"--include", "shop.*", "--exclude", "shop.log", "--exclude",
                                      "shop.\"Odd, table\"", "--ignore-column", "shop.user.seen_at",
                                      "--redact-column", "shop.user.password", "--retention", "90d",
                                      "--retention", "todo=30d", "--replica-identity", "keep",
                                      "--snapshot", "none"}));
}

}  // namespace
}  // namespace bemi::change
