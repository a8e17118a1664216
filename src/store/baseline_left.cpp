// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/baseline_left.hpp"

#include <nlohmann/json.hpp>

namespace bemi::store {
namespace {

constexpr const char* save_left = R"(
insert into _bemi.baseline_left as l (source, epoch, relations) values ($1, $2::int, $3::jsonb)
on conflict (source) do update set epoch = excluded.epoch, relations = excluded.relations
where (l.epoch, l.relations) is distinct from (excluded.epoch, excluded.relations))";

constexpr const char* forget_other_pieces = R"(
delete from _bemi.baseline_piece
where source = $1 and (epoch <> $2::int or not $3::jsonb @> to_jsonb(relation)))";

constexpr const char* select_left = R"(
select r.oid::bigint from _bemi.baseline_left l cross join lateral jsonb_array_elements_text(l.relations) r (oid)
where l.source = $1 and l.epoch = $2::int)";

}  // namespace

base::Status forget_ended_pieces(pg::Connection& destination, const Progress& progress,
                                 const Relations& left) {
  TRY(destination.query(forget_other_pieces, {progress.source, std::to_string(progress.epoch),
                                              nlohmann::json(left).dump()}));
  return {};
}

base::Status save_baseline_left(pg::Connection& destination, const Progress& progress,
                                const Relations& relations) {
  TRY(destination.query(save_left, {progress.source, std::to_string(progress.epoch),
                                    nlohmann::json(relations).dump()}));
  return {};
}

base::Result<Relations> load_baseline_left(pg::Connection& destination, const Progress& progress) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(select_left, {progress.source, std::to_string(progress.epoch)}));
  Relations relations;
  for (int row = 0; row < rows.count(); ++row)
    relations.insert(static_cast<change::Oid>(rows.integer(row, 0)));
  return relations;
}

}  // namespace bemi::store
