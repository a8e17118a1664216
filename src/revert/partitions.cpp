// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/partitions.hpp"

#include <nlohmann/json.hpp>

#include "revert/sql.hpp"

namespace bemi::revert {
namespace {}  // namespace

base::Result<std::vector<EmptiedPartition>> find_partitions(
    pg::Connection& source, const std::vector<std::pair<std::string, std::string>>& names) {
  std::vector<EmptiedPartition> found;
  if (names.empty()) return found;
  nlohmann::json list = nlohmann::json::array();
  for (const auto& [schema, table] : names) list.push_back({schema, table});
  TRY_ASSIGN(pg::Rows rows, source.query(sql::live_partitions, {list.dump()}));
  for (int row = 0; row < rows.count(); ++row) {
    if (!rows.get(row, 4)) continue;
    found.push_back({.schema = rows.text(row, 0),
                     .table = rows.text(row, 1),
                     .root = rows.integer(row, 2),
                     .constraint = rows.text(row, 3),
                     .columns = rows.text(row, 4)});
  }
  return found;
}

}  // namespace bemi::revert
