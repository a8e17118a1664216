// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/context_text.hpp"

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "change/sql_text.hpp"

namespace bemi::render {
namespace {

constexpr std::string_view sql_members[] = {"SQL", "sql"};

// The member's value, a JSON string, with what must not be kept taken out.
std::string without_values(std::string_view value, bool redacts) {
  auto text = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  if (!text.is_string()) return redacts ? "null" : std::string(value);
  const auto& sql = text.get_ref<const std::string&>();
  std::string kept;
  base::append_json_string(
      kept, redacts ? change::without_literals(sql) : change::without_passwords(sql));
  return kept;
}

}  // namespace

std::string_view ContextText::of(std::string_view context) {
  bool has_sql = context.find("\"SQL\"") != std::string_view::npos ||
                 context.find("\"sql\"") != std::string_view::npos;
  if (!has_sql) return context;
  if (context == given_) return stored_;
  std::string text(context);
  for (std::string_view name : sql_members) {
    base::JsonScan scan = base::scan_json_object(text, name);
    if (!scan.member) continue;
    std::string_view value = scan.member->value;
    std::string kept = without_values(value, redacts_);
    if (kept == value) continue;
    text.replace(static_cast<std::size_t>(value.data() - text.data()), value.size(), kept);
  }
  given_ = context;
  stored_ = std::move(text);
  return stored_;
}

}  // namespace bemi::render
