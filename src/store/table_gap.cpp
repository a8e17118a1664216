// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/table_gap.hpp"

namespace bemi::store {
namespace {

// A look in another epoch says nothing about this one.
constexpr const char* select_seen = R"(
select publication_seen, (extract(epoch from publication_seen_at) * 1000000)::bigint
from _bemi.source where name = $1 and epoch = $2 and publication_seen is not null and publication_seen_at is not null)";

constexpr const char* update_seen = R"(
update _bemi.source set publication_seen = $3, publication_seen_at = $4 where name = $1 and epoch = $2)";

}  // namespace

const char* const insert_table_gap = R"(
insert into _bemi.gap (source, epoch, relation, schema, "table", reason, from_position, from_time, accepted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, now())
on conflict (source, epoch, relation) where relation is not null and to_time is null do nothing)";

std::vector<pg::Parameter> table_gap_parameters(const TableGap& gap) {
  auto from = gap.from.valid() ? pg::Parameter(change::format(gap.from)) : std::nullopt;
  return {gap.source,
          std::to_string(gap.epoch),
          std::to_string(gap.relation),
          gap.schema,
          gap.table,
          gap.reason,
          from,
          base::format(gap.from_time)};
}

const char* const end_table_gap = R"(
update _bemi.gap set to_position = $4, to_time = $5
where source = $1 and epoch = $2 and relation = $3 and to_time is null)";

std::vector<pg::Parameter> table_gap_end_parameters(const Progress& progress, change::Oid relation,
                                                    change::Lsn position, base::Timestamp time) {
  return {progress.source, std::to_string(progress.epoch), std::to_string(relation),
          change::format(position), base::format(time)};
}

base::Result<PublicationSeen> load_publication_seen(pg::Connection& destination,
                                                    const Progress& progress) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(select_seen, {progress.source, std::to_string(progress.epoch)}));
  if (rows.empty()) return PublicationSeen{};
  return PublicationSeen{.state = rows.text(0, 0), .at = {rows.integer(0, 1)}};
}

base::Status save_publication_seen(pg::Connection& destination, const Progress& progress,
                                   const PublicationSeen& seen) {
  TRY(destination.query(update_seen, {progress.source, std::to_string(progress.epoch), seen.state,
                                      base::format(seen.at)}));
  return {};
}

}  // namespace bemi::store
