// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/baseline.hpp"

#include <chrono>
#include <numeric>

#include <fmt/format.h>

#include "base/log.hpp"
#include "decode/copy_row.hpp"
#include "wal/catalog.hpp"
#include "wal/slot.hpp"
#include "wal/tables.hpp"

namespace pipeline {
namespace {

using Tables = std::vector<wal::Table>;

base::Result<Tables> tables_to_read(pg::Connection& source, store::Writer& writer,
                                    const Settings& settings) {
  std::string own = settings.setup.one_database ? settings.setup.destination.schema : "";
  TRY_ASSIGN(Tables tables, wal::list_tables(source, settings.setup.selection,
                                             writer.progress().publication, own));
  // A partition's rows are read, and named, by its root, as the stream does.
  std::erase_if(tables,
                [](const wal::Table& table) { return table.is_partition || !table.published; });
  return tables;
}

bool wants_rows(const Tables& tables, const Settings& settings) {
  if (settings.snapshot == SnapshotPolicy::none) return false;
  if (settings.snapshot == SnapshotPolicy::initial) return true;
  std::int64_t bytes =
      std::accumulate(tables.begin(), tables.end(), std::int64_t{0},
                      [](auto sum, const auto& table) { return sum + table.bytes; });
  if (bytes <= settings.snapshot_bytes_max) return true;
  base::log::warning(
      "no baseline: the tracked tables hold {} MB, more than --snapshot-limit; rows are "
      "known from their first change on (--snapshot initial takes it all the same)",
      bytes / 1'000'000);
  return false;
}

// The rows of all tables as one transaction at the slot's consistent point.
class SnapshotReader {
 public:
  SnapshotReader(pg::Connection& session, Renderer& renderer, store::Writer& writer,
                 const change::Transaction& transaction)
      : session_(&session),
        renderer_(&renderer),
        writer_(&writer),
        out_(transaction),
        position_(transaction.commit_position) {}

  base::Status read(const wal::Table& table) {
    TRY_ASSIGN(change::Relation columns, wal::read_relation(*session_, table.oid));
    TRY_ASSIGN(change::RelationPtr relation, renderer_->resolve(std::move(columns)));
    out_.add_covered({relation->oid, relation->schema, relation->table, /*whole=*/true});
    out_.add_described(relation);
    std::uint64_t before = sequence_;
    base::Status done = read_rows(table, relation);
    std::string name = table.schema + "." + table.name;
    if (!done) return std::unexpected(done.error().within("baseline of " + name));
    base::log::info("baseline: {} rows of {}", sequence_ - before, name);
    return {};
  }

  base::Status finish() { return writer_->append(out_.take(/*last=*/true)); }

 private:
  static std::string select(const wal::Table& table, const change::Relation& relation) {
    std::string columns;
    for (const change::Column& column : relation.columns) {
      columns += (columns.empty() ? "" : ", ") + pg::quote_identifier(column.name);
    }
    // The rows of inheritance children are named by the children.
    return fmt::format("copy (select {} from {} {}) to stdout", columns,
                       table.is_partitioned ? "" : "only",
                       pg::quote_name(table.schema, table.name));
  }

  base::Status read_rows(const wal::Table& table, const change::RelationPtr& relation) {
    TRY_ASSIGN(pg::CopyOut copy, session_->copy_out(select(table, *relation)));
    auto reported_at = std::chrono::steady_clock::now();
    while (true) {
      TRY_ASSIGN(std::optional<std::string_view> line, copy.next());
      if (!line) return {};
      TRY_ASSIGN(const decode::Tuple* tuple, row_.parse(*line, relation->columns.size()));
      renderer_->render_snapshot(relation, *tuple, position_, sequence_++, out_);
      if (!out_.full()) continue;
      TRY(writer_->append(out_.take(/*last=*/false)));
      auto now = std::chrono::steady_clock::now();
      if (now - reported_at < std::chrono::seconds(2)) continue;
      base::log::info("baseline: {} rows so far, in {}.{}", sequence_, table.schema, table.name);
      reported_at = now;
    }
  }

  pg::Connection* session_;
  Renderer* renderer_;
  store::Writer* writer_;
  BatchBuilder out_;
  change::Lsn position_;
  std::uint32_t sequence_ = 0;
  decode::CopyRow row_;
};

base::Status read_baseline(const Tables& tables, const wal::NewSlot& slot, Renderer& renderer,
                           store::Writer& writer, const Settings& settings) {
  TRY_ASSIGN(pg::Connection session, pg::Connection::open({.url = settings.source_url,
                                                           .purpose = "bemi/baseline",
                                                           .interrupt = settings.stop}));
  // row_security=off: a policy that would hide rows is an error instead.
  TRY(session.run("begin isolation level repeatable read read only; set transaction snapshot " +
                  pg::quote_literal(slot.snapshot) + "; set local row_security = off"));
  TRY_ASSIGN(pg::Rows xid, session.run("select pg_snapshot_xmax(pg_current_snapshot())::text"));
  base::Timestamp now = base::Timestamp::now();
  SnapshotReader reader(session, renderer, writer,
                        {.id = static_cast<std::uint64_t>(xid.integer(0, 0)),
                         .commit_position = slot.consistent_point,
                         .committed_at = now,
                         .queued_at = now});
  for (const wal::Table& table : tables) TRY(reader.read(table));
  TRY(reader.finish());
  return {};
}

}  // namespace

base::Status begin_tracking(pg::Connection& source, Renderer& renderer, store::Writer& writer,
                            const Settings& settings) {
  const std::string& slot_name = writer.progress().slot;
  base::log::info("making the slot {}; it waits for the transactions that are open now", slot_name);
  TRY_ASSIGN(pg::Connection replication, pg::Connection::open({.url = settings.source_url,
                                                               .purpose = "bemi/slot",
                                                               .replication = true,
                                                               .interrupt = settings.stop}));
  TRY_ASSIGN(wal::NewSlot slot, wal::create_slot(replication, slot_name));
  TRY_ASSIGN(Tables tables, tables_to_read(source, writer, settings));
  base::Timestamp known_until = writer.progress().effective_at;
  bool baseline = wants_rows(tables, settings);
  if (baseline && !tables.empty()) {
    TRY(read_baseline(tables, slot, renderer, writer, settings));
  } else {
    writer.pass(slot.consistent_point, base::Timestamp::now());
  }
  writer.note_epoch(slot.consistent_point, known_until, baseline);
  return writer.commit();
}

}  // namespace pipeline
