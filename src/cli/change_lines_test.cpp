// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/change_lines.hpp"

#include <gtest/gtest.h>

namespace bemi::cli {
namespace {

TEST(ChangeLines, SayWhenWhatAndWhoAndWhatBecameOfTheValues) {
  ChangeLine line{
      .at = "2026-11-27 14:00:00.123456+00",
      .what = "update product 530",
      .context = R"({"user_id": 42, "method": "PATCH", "endpoint": "/price", "SQL": "u"})",
      .changes =
          "price: \x01"
          "0.08\x03 > \x02"
          "7.86\x03"};
  EXPECT_EQ(render_lines({line}, 80, false),
            "2026-11-27 14:00:00  update product 530  42 PATCH /price\n    price: 0.08 > 7.86\n");
  EXPECT_EQ(render_lines({line}, 80, true),
            "2026-11-27 14:00:00  update product 530  42 PATCH /price\n"
            "    price: \x1b[31m0.08\x1b[0m > \x1b[32m7.86\x1b[0m\n");
}

TEST(ChangeLines, AreCutAtTheTerminalsWidth) {
  ChangeLine line{.at = "2026-11-27 14:00:00+00",
                  .what = "update product 530",
                  .context = "{}",
                  .changes = "title: a long text"};
  EXPECT_EQ(render_lines({line}, 20, false),
            "2026-11-27 14:00:00\xe2\x80\xa6\n    title: a long t\xe2\x80\xa6\n");
}

TEST(ChangeLines, NothingMovesTheTerminal) {
  ChangeLine line{.at = "2026-11-27 14:00:00+00",
                  .what = "delete t a\nb",
                  .context = "{\"actor\": \"x\\u001b[2J\"}",
                  .changes = ""};
  EXPECT_EQ(render_lines({line}, 80, false),
            "2026-11-27 14:00:00  delete t a\xe2\x8f\x8e"
            "b  x\xc2\xb7[2J\n");
}

TEST(ChangeLines, WhoIsFoundInTheKeysThatApplicationsUse) {
  EXPECT_EQ(who_of(R"({"user_id": 1, "email": "ann@example.org"})"), "ann@example.org");
  EXPECT_EQ(who_of(R"({"actor": "admin", "job": "nightly"})"), "admin nightly");
  EXPECT_EQ(who_of(R"({"tenant": "x", "SQL": "select 1", "more": {"a": 1}})"), "tenant=x");
  EXPECT_EQ(who_of(R"({"revert_of": [770], "actor": "admin"})"), "admin undo of transaction 770");
  EXPECT_EQ(who_of(R"({"revert_of": [770, 771]})"), "undo of 2 transactions");
  EXPECT_EQ(who_of(R"({"mark": "before", "mark_action": "back", "revert_of": [7]})"),
            "mark before");
  EXPECT_EQ(who_of(R"({"revert_of": "all", "path": "/x"})"), "/x");
  EXPECT_EQ(who_of("{}"), "no context");
  EXPECT_EQ(who_of(R"({"user_id": null})"), "no context");
}

}  // namespace
}  // namespace bemi::cli
