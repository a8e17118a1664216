// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/change_lines.hpp"

#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "cli/output.hpp"

namespace bemi::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t indent = 4;

// As the dashboard looks for them (web/src/features/change/who.ts).
constexpr std::array<std::string_view, 11> person_keys{
    "user",   "user_name", "username", "email",      "user_email", "user_id",
    "userId", "actor",     "actor_id", "account_id", "admin_id"};
constexpr std::array<std::string_view, 9> place_keys{
    "endpoint", "path", "route", "url", "operation", "task", "job", "worker", "command"};

std::string said(const ordered_json& context, std::string_view key) {
  auto found = context.find(key);
  if (found == context.end() || found->is_null() || found->is_structured()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

template <std::size_t count>
std::string first_of(const ordered_json& context, const std::array<std::string_view, count>& keys) {
  for (std::string_view key : keys) {
    if (std::string text = said(context, key); !text.empty()) return text;
  }
  return "";
}

// Of what Bemi wrote itself.
std::string undo_in(const ordered_json& context) {
  if (std::string mark = said(context, "mark"); !mark.empty() && context.contains("mark_action"))
    return "mark " + mark;
  auto of = context.find("revert_of");
  if (of == context.end() || !of->is_array() || of->empty()) return "";
  if (of->size() == 1 && of->front().is_number())
    return "undo of transaction " + of->front().dump();
  return "undo of " + std::to_string(of->size()) + " transactions";
}

void add_word(std::string& text, const std::string& word) {
  if (!word.empty()) text += (text.empty() ? "" : " ") + word;
}

}  // namespace

std::string who_of(const std::string& context) {
  auto read = ordered_json::parse(context, nullptr, /*allow_exceptions=*/false);
  if (!read.is_object()) return "no context";
  std::string who = first_of(read, person_keys);
  if (std::string place = first_of(read, place_keys); !place.empty()) {
    add_word(who, said(read, "method"));
    add_word(who, place);
  } else {
    add_word(who, undo_in(read));
  }
  if (!who.empty()) return who;
  for (const auto& [key, value] : read.items()) {
    std::string text = key == "SQL" ? "" : said(read, key);
    if (!text.empty()) add_word(who, key + "=" + text);
  }
  return who.empty() ? "no context" : who;
}

std::string render_lines(const std::vector<ChangeLine>& lines, std::size_t width, bool colour) {
  std::string out;
  for (const ChangeLine& line : lines) {
    std::string head =
        line.at.substr(0, to_the_second) + "  " + line.what + "  " + who_of(line.context);
    out += cut(head, width, /*marked=*/false, colour) + "\n";
    if (line.changes.empty()) continue;
    std::size_t room = width > indent ? width - indent : width;
    out += std::string(indent, ' ') + cut(line.changes, room, /*marked=*/true, colour) + "\n";
  }
  return out;
}

}  // namespace bemi::cli
