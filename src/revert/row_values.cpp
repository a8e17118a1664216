// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/row_values.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "revert/limits.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

RowEffect effect_of(const std::string& kind) {
  if (kind == "I") return RowEffect::restored;
  return kind == "D" ? RowEffect::removed : RowEffect::reverted;
}

}  // namespace

std::string texts_sql(const LiveTable& live, const std::string& before, bool by_name) {
  std::string list;
  for (std::size_t i = 0; i < live.columns.size(); ++i) {
    std::string column = by_name ? pg::quote_identifier(live.columns[i].name) : std::to_string(i);
    list += fmt::format("{}{}{}::text", list.empty() ? "" : ", ", before, column);
  }
  return list.empty() ? "null" : "to_json(array[" + list + "]::text[])";
}

json texts_of(const pg::Rows& rows, int row, int column) {
  auto text = rows.get(row, column);
  return text ? json::parse(*text, nullptr, /*allow_exceptions=*/false) : json();
}

std::optional<std::string> text_at(const json& texts, int column) {
  auto index = static_cast<std::size_t>(column);
  if (!texts.is_array() || index >= texts.size() || texts[index].is_null()) return std::nullopt;
  return texts[index].get<std::string>();
}

base::Status add_examples(pg::Connection& source, const StageTable& table, TablePlan& plan) {
  const LiveTable& live = *table.live;
  TRY_ASSIGN(pg::Rows rows,
             source.run(fmt::format("select s.key, s.kind, to_json(s.columns)::text, {}, {} from "
                                    "pg_temp._bemi_state s join {} r using (n) where s.tab = {} "
                                    "and s.state = 'go' order by s.n limit {}",
                                    texts_sql(live, "r.e", false), texts_sql(live, "r.t", false),
                                    table.rows(), table.tab, limits::examples_shown_max)));
  for (int row = 0; row < rows.count(); ++row) {
    ExampleRow example{.effect = effect_of(rows.text(row, 1)), .key = {}, .columns = {}};
    if (rows.get(row, 0)) example.key = rows.text(row, 0);
    json live_values = texts_of(rows, row, 3);
    json target = texts_of(rows, row, 4);
    for (const json& number : texts_of(rows, row, 2)) {
      int column = number.get<int>();
      example.columns.push_back({.column = live.columns[static_cast<std::size_t>(column)].name,
                                 .ours = {},
                                 .live = text_at(live_values, column),
                                 .target = text_at(target, column)});
    }
    plan.examples.push_back(std::move(example));
  }
  return {};
}

}  // namespace bemi::revert
