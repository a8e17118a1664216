// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mcp/tools.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

namespace bemi::mcp {
namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

enum class Kind : char {
  text,
  number,  // whole, from 1 to 500
  pairs,   // an object: KEY=VALUE for each member
};

struct Argument {
  const char* name;
  const char* flag;  // null: its place is behind the flags
  Kind kind;
  bool is_required;
  const char* about;
};

struct Tool {
  const char* name;
  const char* about;
  Words words;  // the command, with what it always gets
  std::vector<Argument> arguments;
  bool writes = false;
};

constexpr int rows_max = 500;
constexpr int rows_standard = 50;

const Argument table{"table", "--table", Kind::text, false, "Table, as table or schema.table"};
const Argument place_table{"table", nullptr, Kind::text, true, "Table, as table or schema.table"};
const Argument key{"primary_key", nullptr, Kind::text, true,
                   "Primary key of the record; of several columns: 2756,WAW-1"};
const Argument context{"context", "--context", Kind::pairs, false,
                       "Values of the context, all of which match: {\"user_id\": 42}"};
const Argument since{"since", "--since", Kind::text, false,
                     "Time from which on to look, such as 2026-11-27 14:00 (UTC) or 2 hours ago"};
const Argument until{"until", "--until", Kind::text, false, "Time before which to look"};
const Argument limit{"limit", "--limit", Kind::number, false,
                     "Most rows to return, up to 500 [default: 50]"};
const Argument source{"source", "--source-name", Kind::text, false,
                      "Name of the source, where several are tracked"};

std::vector<Argument> selection(std::vector<Argument> more) {
  std::vector<Argument> all{
      table,
      {"primary_key", "--primary-key", Kind::text, false, "Primary key of one record"},
      {"operation", "--operation", Kind::text, false,
       "CREATE, UPDATE, DELETE, TRUNCATE, SNAPSHOT or SCHEMA"},
      context,
      {"transaction", "--transaction", Kind::text, false, "Id of the transaction at the source"},
      since,
      until};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

const Argument on_conflict{
    "on_conflict", "--on-conflict", Kind::text, false,
    "For rows that were changed later: fail (do nothing), skip (leave them) or force"};

std::vector<Tool> reading_tools() {
  return {
      {"find_changes",
       "Lists changes of the database with who made them, where and how: rows before and after, "
       "the operation, the context that the application passed (user, endpoint, SQL).",
       {"changes", "--format", "json"},
       selection(
           {limit,
            {"before", "--before", Kind::text, false, "Id of a change: the page of older ones"}})},
      {"record_history",
       "All versions of one record, the oldest first: what changed, when and by whom.",
       {"history", "--format", "json"},
       {place_table, key, source}},
      {"record_blame",
       "Who set each present value of a record, and when.",
       {"blame", "--format", "json"},
       {place_table, key, source}},
      {"table_as_of",
       "The rows of a table as they were at a time.",
       {"as-of", "--format", "json"},
       {{"time", nullptr, Kind::text, true, "Time, such as 2026-11-27 14:00 (UTC) or 2 hours ago"},
        place_table,
        {"primary_key", nullptr, Kind::text, false, "Primary key of one record"},
        limit,
        {"after", "--after", Kind::text, false, "Key of the last row of the page before"},
        source}},
      {"table_diff",
       "The rows of a table that differ between two times.",
       {"diff", "--format", "json"},
       {place_table,
        {"from", nullptr, Kind::text, true, "Earlier time"},
        {"to", nullptr, Kind::text, true, "Later time"},
        source}},
      {"find_transactions",
       "Lists transactions with what each one did, the newest first.",
       {"transactions", "--format", "json"},
       {context, since, until, limit, source}},
      {"count_changes",
       "Counts changes by time and group. By table, it tells which tables there are.",
       {"trends", "--format", "json"},
       {{"by", "--by", Kind::text, false,
         "table, operation, source, or a key of the context such as user_id"},
        {"every", "--every", Kind::text, false, "Span of time of one count, such as 1h or 1d"},
        since,
        until,
        source}},
      {"source_status",
       "State of each tracked source: whether it is read, its lag, gaps, share with context.",
       {"status", "--format", "json"},
       {}}};
}

std::vector<Tool> undoing_tools() {
  return {{"plan_undo",
           "Shows what undoing the selected changes would do, row by row, with conflicts. Changes "
           "nothing. The digest of the answer is needed to apply it.",
           {"revert", "--format", "json"},
           selection({on_conflict})},
          {"apply_undo",
           "Undoes the selected changes as the plan with this digest says, and records it.",
           {"revert", "--format", "json"},
           selection({on_conflict,
                      {"digest", "--apply", Kind::text, true, "Digest of the plan from plan_undo"},
                      {"reason", "--reason", Kind::text, false, "Reason, for the history"}}),
           true}};
}

const std::vector<Tool>& all_tools() {
  static const std::vector<Tool> tools = [] {
    std::vector<Tool> all = reading_tools();
    std::ranges::move(undoing_tools(), std::back_inserter(all));
    return all;
  }();
  return tools;
}

const char* type_of(Kind kind) {
  switch (kind) {
    case Kind::text: return "string";
    case Kind::number: return "integer";
    case Kind::pairs: return "object";
  }
  return "";
}

Json schema_of(const Tool& tool) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Argument& argument : tool.arguments) {
    Json& one = properties[argument.name];
    one = {{"type", type_of(argument.kind)}, {"description", argument.about}};
    if (argument.kind == Kind::number) one.update({{"minimum", 1}, {"maximum", rows_max}});
    if (argument.kind == Kind::pairs)
      one["additionalProperties"] = {{"type", Json::array({"string", "number", "boolean"})}};
    if (argument.is_required) required.push_back(argument.name);
  }
  Json schema{{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
  if (!required.empty()) schema["required"] = required;
  return schema;
}

std::unexpected<base::Error> wrong(const std::string& what) {
  return base::fail(base::ErrorKind::usage, what, "see the tool's input schema");
}

// As one word: a value that begins with a dash is no flag.
std::string flag_word(const Argument& argument, const std::string& value) {
  return std::string(argument.flag) + "=" + value;
}

base::Result<std::string> text_of(const Argument& argument, const Json& value) {
  if (argument.kind == Kind::number) {
    if (!value.is_number_integer() || value < 1 || value > rows_max)
      return wrong(std::string(argument.name) + " is a whole number from 1 to 500");
    return value.dump();
  }
  // Models write keys and transactions as numbers, too.
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) return wrong(std::string(argument.name) + " is a text");
  auto text = value.get<std::string>();
  if (text.empty() || text.find('\0') != std::string::npos)
    return wrong(std::string(argument.name) + " is empty or has a zero character");
  return text;
}

base::Status add_pairs(const Argument& argument, const Json& value, Words& flags) {
  if (!value.is_object()) return wrong(std::string(argument.name) + " is an object");
  for (const auto& [name, one] : value.items()) {
    if (one.is_structured() || one.is_null() || name.empty())
      return wrong(std::string(argument.name) + " has a value that is no text, number or boolean");
    std::string text = one.is_string() ? one.get<std::string>() : one.dump();
    std::string pair = name;
    pair.append("=").append(text);
    if (pair.find('\0') != std::string::npos) return wrong("a zero character");
    flags.push_back(flag_word(argument, pair));
  }
  return {};
}

// `places`: what stands behind the flags. An optional one is the last.
base::Status add(const Argument& argument, const Json& value, Words& flags, Words& places) {
  if (argument.kind == Kind::pairs) return add_pairs(argument, value, flags);
  TRY_ASSIGN(std::string text, text_of(argument, value));
  if (argument.flag == nullptr) {
    places.push_back(std::move(text));
  } else {
    flags.push_back(flag_word(argument, text));
  }
  return {};
}

base::Status check_known(const Tool& tool, const Json& arguments) {
  for (const auto& [name, value] : arguments.items()) {
    bool is_known = std::ranges::any_of(
        tool.arguments, [&](const Argument& argument) { return name == argument.name; });
    if (!is_known) return wrong(std::string(tool.name) + " has no argument " + name);
  }
  return {};
}

}  // namespace

Json described_tools(bool may_undo) {
  Json tools = Json::array();
  for (const Tool& tool : all_tools()) {
    if (tool.writes && !may_undo) continue;
    tools.push_back(
        {{"name", tool.name},
         {"description", tool.about},
         {"inputSchema", schema_of(tool)},
         {"annotations", {{"readOnlyHint", !tool.writes}, {"destructiveHint", tool.writes}}}});
  }
  return tools;
}

base::Result<Words> command_of(const std::string& name, const Json& arguments, bool may_undo) {
  auto tool = std::ranges::find(all_tools(), std::string_view(name), &Tool::name);
  if (tool == all_tools().end()) return wrong("there is no tool " + name);
  if (tool->writes && !may_undo) {
    return base::fail(base::ErrorKind::permission, "this server may not undo changes",
                      "start it with: bemi mcp --allow-undo");
  }
  if (!arguments.is_object()) return wrong("the arguments are not an object");
  TRY(check_known(*tool, arguments));
  Words words = tool->words;
  Words places;
  for (const Argument& argument : tool->arguments) {
    auto value = arguments.find(argument.name);
    if (value != arguments.end() && !value->is_null()) {
      TRY(add(argument, *value, words, places));
    } else if (argument.kind == Kind::number) {
      TRY(add(argument, rows_standard, words, places));
    } else if (argument.is_required) {
      return wrong(std::string(argument.name) + " is missing");
    }
  }
  if (!places.empty()) words.emplace_back("--");
  words.insert(words.end(), places.begin(), places.end());
  return words;
}

}  // namespace bemi::mcp
