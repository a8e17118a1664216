// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/redo.hpp"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "store/schema.hpp"

namespace bemi::revert {
namespace {

// More reverts than anybody will look back over.
constexpr int looked_at = 1000;

struct Revert {
  bool redoes = false;  // undoes a revert, so that it does again
  bool undone = false;
};

}  // namespace

base::Result<std::int64_t> last_revert(const Ends& ends) {
  TRY_ASSIGN(std::string schema, store::history_schema(ends.destination));
  TRY_ASSIGN(pg::Rows rows,
             ends.destination.query(
                 fmt::format(
                     "select transaction_id, (array_agg(context -> 'revert_of'))[1]::text "
                     "from {} where source = $1 and context ? 'revert_of' and not context ? 'mark' "
                     "group by epoch, commit_position, transaction_id "
                     "order by epoch desc, commit_position desc limit {}",
                     store::changes_name(schema), looked_at),
                 {ends.source_name}));
  std::map<std::int64_t, Revert> reverts;
  for (int row = rows.count() - 1; row >= 0; --row) {
    Revert& revert = reverts[rows.integer(row, 0)];
    auto of = nlohmann::json::parse(rows.text(row, 1), nullptr, /*allow_exceptions=*/false);
    for (const auto& id : of) {
      auto known = id.is_number_integer() ? reverts.find(id.get<std::int64_t>()) : reverts.end();
      if (known == reverts.end()) continue;
      known->second.undone = true;
      revert.redoes = !known->second.redoes;
    }
  }
  for (int row = 0; row < rows.count(); ++row) {
    const Revert& revert = reverts[rows.integer(row, 0)];
    if (!revert.redoes && !revert.undone) return rows.integer(row, 0);
  }
  return base::fail(base::ErrorKind::usage, "there is no revert in the history to take back",
                    "name one: bemi redo --transaction ID");
}

}  // namespace bemi::revert
