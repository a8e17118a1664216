// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/gap_note.hpp"

#include <iostream>

#include "base/printable.hpp"

namespace bemi::cli {
namespace {

// Between two epochs, and from an open gap on.
constexpr const char* select_gaps = R"(
with mine as (
  select distinct v.source from _bemi.relation_version v
  where v."table" = $2 and v.schema = coalesce(nullif($1, ''), 'public')
)
select e.source, coalesce(e.previous_until::text, ''), e.began_at::text
from _bemi.epoch e join mine using (source) where e.epoch > 1
order by e.source, e.epoch)";

constexpr const char* select_open = R"(
select g.source, coalesce(s.effective_at::text, '')
from _bemi.gap g join _bemi.source s on s.name = g.source
where g.accepted_at is null and g.source in (
  select distinct v.source from _bemi.relation_version v
  where v."table" = $2 and v.schema = coalesce(nullif($1, ''), 'public'))
order by g.id limit 1)";

// Gaps of this table alone.
constexpr const char* select_table_gaps = R"(
select g.source, coalesce(g.from_time::text, ''), coalesce(g.to_time::text, ''), g.reason
from _bemi.gap g where g."table" = $2 and g.schema = coalesce(nullif($1, ''), 'public')
order by g.id)";

void note_table_gaps(pg::Connection& destination, const query::TableName& table) {
  auto gaps = destination.query(select_table_gaps, {table.schema, table.table});
  if (!gaps) return;  // a history of an older worker
  for (int row = 0; row < gaps->count(); ++row) {
    std::string until = gaps->text(row, 2);
    std::cerr << "bemi: a gap: not all changes of " << base::printable(table.table) << " from "
              << gaps->text(row, 1) << (until.empty() ? " on" : " until " + until)
              << " are known: " << gaps->text(row, 3) << "\n";
  }
}

}  // namespace

void note_gaps(pg::Connection& destination, const query::TableName& table) {
  if (auto gaps = destination.query(select_gaps, {table.schema, table.table})) {
    for (int row = 0; row < gaps->count(); ++row) {
      std::string since = gaps->text(row, 1);
      std::cerr << "bemi: a gap: not all changes of " << base::printable(gaps->text(row, 0))
                << (since.empty() ? "" : " from " + since) << " until " << gaps->text(row, 2)
                << " are known\n";
    }
  }
  note_table_gaps(destination, table);
  if (auto open = destination.query(select_open, {table.schema, table.table});
      open && !open->empty()) {
    std::cerr << "bemi: a gap: not all changes of " << base::printable(open->text(0, 0))
              << " since " << open->text(0, 1)
              << " are known\nhint: to go on, run: bemi init --accept-gap\n";
  }
}

}  // namespace bemi::cli
