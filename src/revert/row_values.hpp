// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The values of staged rows as texts, as a plan shows them.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "pg/rows.hpp"
#include "revert/plan.hpp"
#include "revert/stage.hpp"

namespace bemi::revert {

// SQL: all values of a row as one JSON array of texts. `before` goes before each column's name, or
// its number unless `by_name`.
std::string texts_sql(const LiveTable& live, const std::string& before, bool by_name);
// What such an answer has; null if it has none.
nlohmann::json texts_of(const pg::Rows& rows, int row, int column);
std::optional<std::string> text_at(const nlohmann::json& texts, int column);

// Adds the first rows of a table that the plan writes, with what becomes of their values.
base::Status add_examples(pg::Connection& source, const StageTable& table, TablePlan& plan);

}  // namespace bemi::revert
