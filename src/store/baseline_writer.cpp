// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/baseline_writer.hpp"

#include <fmt/format.h>

#include "store/relation_note.hpp"
#include "store/schema.hpp"
#include "store/table_gap.hpp"

namespace bemi::store {
namespace {

constexpr const char* insert_piece = R"(
insert into _bemi.baseline_piece (source, epoch, relation, leaf, file, first_block, position, shape)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (source, epoch, relation, leaf, file, first_block) do update
set position = excluded.position, shape = excluded.shape)";

constexpr const char* select_pieces = R"(
select p.relation, p.leaf, p.file, p.first_block, p.shape, p.position
from _bemi.baseline_piece p
where p.source = $1 and p.epoch = $2 and not exists (
  select from _bemi.coverage c
  where c.source = p.source and c.epoch = p.epoch and c.relation = p.relation
    and c.position > p.position))";

constexpr const char* newest_coverage = R"(
select distinct on (relation) relation, whole, coalesce(membership, 0)
from _bemi.coverage where source = $1 and epoch = $2
order by relation, position desc)";

constexpr const char* insert_coverage = R"(
insert into _bemi.coverage (source, epoch, relation, schema, "table", position, since, whole, membership,
                            rows_at)
select $1, $2, $3, $4, $5, $6, $7, true, $8, $9
where not coalesce((select whole from _bemi.coverage
                    where source = $1 and epoch = $2 and relation = $3 order by position desc limit 1), false)
on conflict (source, epoch, relation, schema, "table", position) do update
set since = excluded.since, whole = true, membership = excluded.membership, rows_at = excluded.rows_at)";

constexpr const char* insert_described = R"(
insert into _bemi.coverage (source, epoch, relation, schema, "table", position, since, whole, membership)
values ($1, $2, $3, $4, $5, $6, $7, false, $8) on conflict do nothing)";

// Behind what is stored, so that no note of a commit is written over: those end on multiples of
// eight.
constexpr const char* insert_unseen = R"(
insert into _bemi.coverage (source, epoch, relation, schema, "table", position, since, whole)
select name, epoch, $3, $4, $5, position - '0/0' + 1, $6, false
from _bemi.source where name = $1 and epoch = $2
on conflict (source, epoch, relation, schema, "table", position) do update
set since = excluded.since, whole = false)";

constexpr const char* forget_pieces =
    "delete from _bemi.baseline_piece where source = $1 and epoch = $2 and relation = $3";

constexpr const char* count_rows =
    "update _bemi.source set changes = changes + $2::bigint where name = $1";

constexpr const char* select_effective_at = R"(
select coalesce((extract(epoch from greatest(
  (select c.effective_at from {} c
   where c.source = $1 and c.epoch = $2 and c.commit_position <= $3
   order by c.effective_at desc, c.commit_position desc limit 1),
  (select began_at from _bemi.epoch where source = $1 and epoch = $2))) * 1000000)::bigint, 0))";

}  // namespace

PieceName name_of(change::Oid table, const Piece& piece) {
  return {table, piece.leaf, piece.file, piece.first_block, piece.shape};
}

base::Result<BaselineWriter> BaselineWriter::open(pg::Connection destination,
                                                  const Progress& progress,
                                                  const BaselinePlace& place) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  return BaselineWriter(std::make_unique<pg::Connection>(std::move(destination)), progress, place,
                        schema);
}

BaselineWriter::BaselineWriter(std::unique_ptr<pg::Connection> destination,
                               const Progress& progress, const BaselinePlace& place,
                               const std::string& schema)
    : destination_(std::move(destination)),
      progress_(progress),
      place_(place),
      encoder_(progress.source, progress.database),
      copy_command_(RowEncoder::copy_command(changes_name(schema))) {
  encoder_.begin(transaction_of(place), place.effective_at, progress.epoch);
}

base::Status BaselineWriter::append(const change::Batch& batch) {
  if (!copy_) {
    TRY_ASSIGN(pg::CopyIn copy, destination_->copy_in("begin; " + copy_command_));
    copy_.emplace(std::move(copy));
    TRY(copy_->send(RowEncoder::header()));
  }
  auto send = [this](std::string& lines) -> base::Status {
    TRY(copy_->send(lines));
    lines.clear();
    return {};
  };
  for (const change::Change& change : batch.changes) TRY(encoder_.append(lines_, change, send));
  return send(lines_);
}

// Leaves a transaction open.
base::Status BaselineWriter::end_copy() {
  if (!copy_) {
    TRY(destination_->run("begin"));
    return {};
  }
  pg::CopyIn copy = std::move(*copy_);
  copy_.reset();
  TRY(copy.send(RowEncoder::trailer()));
  TRY(copy.finish());
  return {};
}

base::Status BaselineWriter::finish(change::Oid table, const std::vector<Piece>& pieces) {
  TRY(end_copy());
  for (const Piece& piece : pieces) {
    TRY(destination_->query(
        insert_piece,
        {progress_.source, std::to_string(progress_.epoch), std::to_string(table),
         std::to_string(piece.leaf), std::to_string(piece.file), std::to_string(piece.first_block),
         std::to_string(place_.position.value), piece.shape}));
  }
  TRY(destination_->run("commit"));
  return {};
}

base::Status note_described(pg::Connection& destination, const Progress& progress,
                            const BaselinePlace& place, const change::Relation& relation,
                            change::Oid membership) {
  TRY(destination.query(insert_described, {progress.source, std::to_string(progress.epoch),
                                           std::to_string(relation.oid), relation.schema,
                                           relation.table, std::to_string(place.position.value),
                                           base::format(place.since), std::to_string(membership)}));
  TRY(destination.query(
      insert_relation_version,
      relation_version_parameters(relation, {.source = progress.source,
                                             .epoch = progress.epoch,
                                             .position = place.position,
                                             .sequence = 0,
                                             .effective_at = place.effective_at})));
  return {};
}

base::Status BaselineWriter::finish_table(const change::Relation& relation, change::Oid membership,
                                          std::int64_t rows, change::Lsn from) {
  std::string epoch = std::to_string(progress_.epoch);
  std::string position = std::to_string(from.value);
  TRY(end_copy());
  TRY_ASSIGN(
      pg::Rows covered,
      destination_->query(insert_coverage,
                          {progress_.source, epoch, std::to_string(relation.oid), relation.schema,
                           relation.table, position, base::format(place_.since),
                           std::to_string(membership), base::format(place_.effective_at)}));
  if (covered.affected() == 0) {
    TRY(destination_->run("rollback"));
    return {};
  }
  TRY(destination_->query(
      insert_relation_version,
      relation_version_parameters(relation, {.source = progress_.source,
                                             .epoch = progress_.epoch,
                                             .position = from,
                                             .sequence = 0,
                                             .effective_at = place_.effective_at})));
  TRY(destination_->query(end_table_gap, table_gap_end_parameters(progress_, relation.oid,
                                                                  place_.position, place_.since)));
  TRY(destination_->query(forget_pieces, {progress_.source, epoch, std::to_string(relation.oid)}));
  TRY(destination_->query(count_rows, {progress_.source, std::to_string(rows)}));
  TRY(destination_->run("commit"));
  return {};
}

change::Transaction transaction_of(const BaselinePlace& place) {
  return {.id = place.transaction_id,
          .commit_position = place.position,
          .committed_at = place.effective_at,
          .queued_at = base::Timestamp::now()};
}

base::Result<DonePieces> load_done_pieces(pg::Connection& destination, const Progress& progress) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(select_pieces, {progress.source, std::to_string(progress.epoch)}));
  DonePieces done;
  for (int row = 0; row < rows.count(); ++row) {
    done.emplace(PieceName{static_cast<change::Oid>(rows.integer(row, 0)),
                           static_cast<change::Oid>(rows.integer(row, 1)), rows.integer(row, 2),
                           rows.integer(row, 3), rows.text(row, 4)},
                 change::Lsn{static_cast<std::uint64_t>(rows.integer(row, 5))});
  }
  return done;
}

base::Result<WholeTables> load_whole_tables(pg::Connection& destination, const Progress& progress) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(newest_coverage, {progress.source, std::to_string(progress.epoch)}));
  WholeTables whole;
  for (int row = 0; row < rows.count(); ++row) {
    if (!rows.truth(row, 1)) continue;
    whole.emplace(static_cast<change::Oid>(rows.integer(row, 0)),
                  static_cast<change::Oid>(rows.integer(row, 2)));
  }
  return whole;
}

base::Status note_unseen(pg::Connection& destination, const Progress& progress,
                         const TableAsNamed& table, base::Timestamp since,
                         const std::string& reason) {
  const auto& [oid, schema, name] = table;
  TRY(destination.query(insert_unseen, {progress.source, std::to_string(progress.epoch),
                                        std::to_string(oid), schema, name, base::format(since)}));
  TRY(destination.query(insert_table_gap, table_gap_parameters({.source = progress.source,
                                                                .epoch = progress.epoch,
                                                                .relation = oid,
                                                                .schema = schema,
                                                                .table = name,
                                                                .reason = reason,
                                                                .from = {},
                                                                .from_time = since})));
  return {};
}

base::Result<base::Timestamp> effective_at(pg::Connection& destination, const Progress& progress,
                                           change::Lsn position) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY_ASSIGN(pg::Rows rows,
             destination.query(fmt::format(select_effective_at, changes_name(schema)),
                               {progress.source, std::to_string(progress.epoch),
                                std::to_string(position.value)}));
  return base::Timestamp{rows.integer(0, 0)};
}

}  // namespace bemi::store
