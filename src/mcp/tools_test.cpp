// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mcp/tools.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::mcp {
namespace {

using Json = nlohmann::ordered_json;

std::string command(const std::string& tool, const char* arguments, bool may_undo = false) {
  auto words = command_of(tool, Json::parse(arguments), may_undo);
  if (!words) return "error: " + words.error().message;
  std::string text;
  for (const std::string& word : *words) text += (text.empty() ? "" : "|") + word;
  return text;
}

TEST(Tools, ACallIsACommandOfThisProgram) {
  EXPECT_EQ(command("find_changes", "{}"), "changes|--format|json|--limit=50");
  EXPECT_EQ(command("find_changes", R"({"table": "todo", "context": {"user_id": 42, "ok": true,
                     "path": "/a=b"}, "since": "2 hours ago", "limit": 7})"),
            "changes|--format|json|--table=todo|--context=user_id=42|--context=ok=true|"
            "--context=path=/a=b|--since=2 hours ago|--limit=7");
  EXPECT_EQ(command("record_history", R"({"table": "todo", "primary_key": 7})"),
            "history|--format|json|--|todo|7");
  EXPECT_EQ(command("table_as_of", R"({"table": "todo", "time": "yesterday"})"),
            "as-of|--format|json|--limit=50|--|yesterday|todo");
  EXPECT_EQ(command("table_as_of", R"({"table": "t", "time": "x", "primary_key": "k"})"),
            "as-of|--format|json|--limit=50|--|x|t|k");
  EXPECT_EQ(command("table_diff", R"({"table": "t", "from": "a", "to": "b", "source": "shop"})"),
            "diff|--format|json|--source-name=shop|--|t|a|b");
  EXPECT_EQ(command("source_status", "{}"), "status|--format|json");
  EXPECT_EQ(command("plan_undo", R"({"transaction": 770, "on_conflict": "skip"})"),
            "revert|--format|json|--transaction=770|--on-conflict=skip");
}

// A value is a value, whatever it looks like.
TEST(Tools, NoValueBecomesAFlag) {
  EXPECT_EQ(command("find_changes", R"({"table": "--destination=x"})"),
            "changes|--format|json|--table=--destination=x|--limit=50");
  EXPECT_EQ(command("record_history", R"({"table": "--apply", "primary_key": "-1"})"),
            "history|--format|json|--|--apply|-1");
  EXPECT_EQ(command("find_changes", R"({"context": {"--apply": "x"}})"),
            "changes|--format|json|--context=--apply=x|--limit=50");
}

TEST(Tools, AWrongCallIsAnError) {
  EXPECT_EQ(command("drop_table", "{}"), "error: there is no tool drop_table");
  EXPECT_EQ(command("find_changes", "[]"), "error: the arguments are not an object");
  EXPECT_EQ(command("find_changes", R"({"destination": "x"})"),
            "error: find_changes has no argument destination");
  EXPECT_EQ(command("record_history", R"({"table": "t"})"), "error: primary_key is missing");
  EXPECT_EQ(command("record_history", R"({"table": "t", "primary_key": null})"),
            "error: primary_key is missing");
  for (const char* bad :
       {R"({"limit": 0})", R"({"limit": 501})", R"({"limit": "5"})", R"({"limit": 1.5})",
        R"({"table": ""})", R"({"table": 1.5})", R"({"table": ["t"]})", R"({"table": "a\u0000"})",
        R"({"context": "a=b"})", R"({"context": {"a": null}})", R"({"context": {"a": {}}})",
        R"({"context": {"": "x"}})", R"({"context": {"a": "\u0000"}})"}) {
    EXPECT_TRUE(command("find_changes", bad).starts_with("error: ")) << bad;
  }
}

TEST(Tools, OnlyAServerThatMayOffersTheOneThatWrites) {
  const char* call = R"({"transaction": 7, "digest": "abc"})";
  EXPECT_EQ(command("apply_undo", call), "error: this server may not undo changes");
  EXPECT_EQ(command("apply_undo", call, /*may_undo=*/true),
            "revert|--format|json|--transaction=7|--apply=abc");
  EXPECT_EQ(command("apply_undo", R"({"transaction": 7})", /*may_undo=*/true),
            "error: digest is missing");
  // Nothing else is ever applied.
  EXPECT_EQ(command("plan_undo", call), "error: plan_undo has no argument digest");
  EXPECT_EQ(described_tools(true).size(), described_tools(false).size() + 1);
  for (const Json& tool : described_tools(false))
    EXPECT_EQ(tool["annotations"]["readOnlyHint"], true) << tool["name"];
}

TEST(Tools, EachIsDescribed) {
  for (const Json& tool : described_tools(true)) {
    EXPECT_FALSE(tool["description"].get<std::string>().empty());
    const Json& schema = tool["inputSchema"];
    EXPECT_EQ(schema["type"], "object");
    EXPECT_EQ(schema["additionalProperties"], false);
    for (const Json& name : schema.value("required", Json::array()))
      EXPECT_TRUE(schema["properties"].contains(name)) << tool["name"] << name;
  }
}

}  // namespace
}  // namespace bemi::mcp
