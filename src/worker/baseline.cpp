// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/baseline.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "decode/copy_row.hpp"
#include "pg/table_guard.hpp"
#include "render/renderer.hpp"
#include "store/partitions.hpp"
#include "store/relation_note.hpp"
#include "store/schema.hpp"
#include "wal/catalog.hpp"
#include "worker/baseline_plan.hpp"
#include "worker/baseline_progress.hpp"
#include "worker/snapshot_session.hpp"

namespace bemi::worker {
namespace {

using store::Piece;

constexpr unsigned readers_max = 4;

std::int64_t blocks_of(const Chunk& chunk) {
  std::int64_t blocks = 0;
  for (const Piece& piece : chunk.pieces) {
    blocks += piece.end_block < 0 ? chunk_blocks / 2 : piece.end_block - piece.first_block;
  }
  return blocks;
}

std::string columns_of(const change::Relation& relation) {
  std::string columns;
  for (const change::Column& column : relation.columns) {
    columns += (columns.empty() ? "" : ", ") + pg::quote_identifier(column.name);
  }
  return columns;
}

std::string select(const Piece& piece, const change::Relation& relation, bool whole) {
  std::string range;
  if (!whole) {
    range = fmt::format(" where ctid >= '({},0)'", piece.first_block);
    if (piece.end_block >= 0) range += fmt::format(" and ctid < '({},0)'", piece.end_block);
  }
  // The rows of inheritance children are named by the children.
  return fmt::format("copy (select {} from only {}{}) to stdout", columns_of(relation),
                     piece.leaf_name, range);
}

// The statement that reads the piece, whose table is locked. An index could still be made between
// this look and the read; nothing can prevent that.
base::Result<std::string> reading_sql(pg::Connection& source, const Piece& piece,
                                      const change::Relation& relation, bool whole) {
  TRY_ASSIGN(bool expressions, pg::has_expressions(source, std::to_string(piece.leaf)));
  if (!expressions) return select(piece, relation, whole);
  TRY_ASSIGN(std::string code, pg::foreign_code(source, std::to_string(piece.leaf)));
  if (code.empty()) return select(piece, relation, whole);
  if (!whole && (piece.first_block != 0 || piece.end_block >= 0)) {
    return base::fail(base::ErrorKind::serialization, "a query of it would run " + code);
  }
  return fmt::format("copy {} ({}) to stdout", piece.leaf_name, columns_of(relation));
}

// The table was emptied or rewritten since the snapshot: the next one has its rows.
bool passes_by_itself(const base::Error& error) {
  return error.kind == base::ErrorKind::serialization;
}

// Such as a row near a gigabyte, which the server has but cannot send, or rows that we may not see.
// `reading`: the source said it, not the destination.
bool is_the_tables_own(const base::Error& error, bool reading) {
  using base::ErrorKind;
  return error.kind == ErrorKind::internal || error.kind == ErrorKind::rejected ||
         error.kind == ErrorKind::limit || error.kind == ErrorKind::unsupported ||
         (reading && (error.kind == ErrorKind::permission || passes_by_itself(error)));
}

std::string cure_of(const base::Error& error) {
  return error.kind == base::ErrorKind::permission ? " (bemi check says what it needs)" : "";
}

// The work that the readers share.
class Work {
 public:
  // `known`: the tables that had redacted columns.
  Work(const Tables& tables, std::vector<change::Relation> known, BaselinePlan plan)
      : tables_(tables),
        known_(std::move(known)),
        chunks_(std::move(plan.chunks)),
        from_(std::move(plan.from)),
        left_(tables.size()),
        rows_(tables.size()),
        progress_(std::accumulate(chunks_.begin(), chunks_.end(), std::int64_t{0},
                                  [](auto sum, const Chunk& c) { return sum + blocks_of(c); })) {
    for (const Chunk& chunk : chunks_) ++left_[chunk.table];
    chunks_of_ = left_;
  }

  const Chunk* take() {
    while (!failed_) {
      std::size_t at = next_++;
      if (at >= chunks_.size()) break;
      std::lock_guard lock(mutex_);
      if (!given_up_.contains(chunks_[at].table)) return &chunks_[at];
    }
    return nullptr;
  }
  const wal::Table& table(const Chunk& chunk) const { return tables_[chunk.table]; }
  change::Lsn from(const Chunk& chunk) const { return from_[chunk.table]; }
  std::uint32_t next_sequence() { return sequence_++; }
  // Whether it is all of its table.
  bool is_alone(const Chunk& chunk) const { return chunks_of_[chunk.table] == 1; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const std::vector<change::Relation>& known() const { return known_; }

  // Whether it was the table's last one; then with how many rows.
  std::optional<std::int64_t> done(const Chunk& chunk, std::int64_t rows) {
    std::lock_guard lock(mutex_);
    rows_[chunk.table] += rows;
    const wal::Table& table = tables_[chunk.table];
    progress_.add(blocks_of(chunk), rows, table.schema + "." + table.name);
    if (--left_[chunk.table] > 0) return std::nullopt;
    return rows_[chunk.table];
  }

  // The rest of the chunk's table is left out.
  void give_up(const Chunk& chunk, const base::Error& error) {
    std::lock_guard lock(mutex_);
    if (!given_up_.insert(chunk.table).second) return;
    const wal::Table& table = tables_[chunk.table];
    if (passes_by_itself(error)) {
      base::log::info("{}.{} is read again: {}", table.schema, table.name, error.message);
      return;
    }
    gone_for_long_.push_back(table.oid);
    base::log::warning("{}.{} has no baseline: {}{}; its rows are known from their next change on",
                       table.schema, table.name, error.message, cure_of(error));
  }
  // Those that need not be tried again soon.
  [[nodiscard]] std::vector<change::Oid> given_up() const { return gone_for_long_; }

  void fail(const base::Error& error) {
    std::lock_guard lock(mutex_);
    failed_ = true;
    if (!error_) error_ = error;
  }
  base::Status result() const {
    if (error_) return std::unexpected(*error_);
    return {};
  }

 private:
  const Tables& tables_;
  std::vector<change::Relation> known_;
  std::vector<Chunk> chunks_;
  std::vector<change::Lsn> from_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::uint32_t> sequence_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::vector<std::size_t> left_;
  std::vector<std::size_t> chunks_of_;
  std::vector<std::int64_t> rows_;
  std::set<std::size_t> given_up_;
  std::vector<change::Oid> gone_for_long_;
  BaselineProgress progress_;
  std::optional<base::Error> error_;
};

// One connection to each end.
class Reader {
 public:
  static base::Status run(Work& work, const Snapshot& snapshot, const store::Progress& progress,
                          const pipeline::Settings& settings, const base::Interrupt& interrupt,
                          bool& again) {
    again = false;
    TRY_ASSIGN(SnapshotSession source,
               SnapshotSession::open(settings.source_url, snapshot.name, interrupt));
    TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings.destination_url,
                                                                 .purpose = "bemi/baseline",
                                                                 .interrupt = &interrupt}));
    TRY_ASSIGN(auto writer,
               store::BaselineWriter::open(std::move(destination), progress, snapshot.place));
    Reader reader(work, source, writer, snapshot.place, settings);
    while (const Chunk* chunk = work.take()) {
      base::Status read = reader.read(*chunk);
      if (read) continue;
      if (!is_the_tables_own(read.error(), reader.reading_)) return read;
      work.give_up(*chunk, read.error());
      const wal::Table& table = work.table(*chunk);
      // The transaction on the source is over with the error: another one goes on with the rest.
      again = true;
      return std::unexpected(read.error().within("baseline of " + table.schema + "." + table.name));
    }
    return {};
  }

 private:
  Reader(Work& work, SnapshotSession& source, store::BaselineWriter& writer,
         const store::BaselinePlace& place, const pipeline::Settings& settings)
      : work_(work),
        source_(source),
        writer_(writer),
        place_(place),
        // Its look-ups see the snapshot's catalog.
        renderer_(render::live_catalog(source.connection()), settings.setup.selection,
                  /*has_ddl_messages=*/false) {
    renderer_.remember_redactions(work.known());
  }

  base::Status read(const Chunk& chunk) {
    reading_ = true;
    TRY(source_.begin());
    TRY_ASSIGN(change::Relation columns,
               wal::read_relation(source_.connection(), work_.table(chunk).oid));
    TRY_ASSIGN(change::RelationPtr relation, renderer_.resolve(std::move(columns)));
    TRY(check_partitions(work_.table(chunk)));
    std::int64_t rows = 0;
    bool whole = chunk.pieces.size() != 1 || !work_.table(chunk).has_primary_key;
    for (const Piece& piece : chunk.pieces) {
      reading_ = true;
      // Without the locks of the piece before.
      if (&piece != &chunk.pieces.front()) TRY(source_.begin());
      TRY(source_.lock(piece.leaf, piece.leaf_name));
      TRY_ASSIGN(std::string sql, reading_sql(source_.connection(), piece, *relation, whole));
      TRY_ASSIGN(std::int64_t read, read_piece(sql, relation));
      rows += read;
    }
    // For a table that is read in one go, the same commit notes that the table is known.
    bool is_noted = work_.table(chunk).has_primary_key && !work_.is_alone(chunk);
    if (is_noted) TRY(writer_.finish(relation->oid, chunk.pieces));
    std::optional<std::int64_t> table_rows = work_.done(chunk, rows);
    if (!table_rows) return {};
    base::log::info("baseline: {} rows of {}.{}", *table_rows, relation->schema, relation->table);
    change::Relation as_it_was = *relation;
    as_it_was.assumed = false;  // the snapshot's own catalog was read
    as_it_was.again = true;     // also where a change described it before, at a later position
    return writer_.finish_table(as_it_was, work_.table(chunk).membership, *table_rows,
                                work_.from(chunk));
  }

  // Rows that are elsewhere cannot be followed: to know only the others is not to know the table.
  base::Status check_partitions(const wal::Table& table) {
    if (!table.is_partitioned) return {};
    TRY_ASSIGN(std::string elsewhere,
               pg::foreign_partition(source_.connection(), std::to_string(table.oid)));
    if (elsewhere.empty()) return {};
    return base::fail(base::ErrorKind::unsupported,
                      "its partition " + elsewhere + " is a foreign table");
  }

  base::Result<std::int64_t> read_piece(const std::string& sql,
                                        const change::RelationPtr& relation) {
    render::BatchBuilder out(store::transaction_of(place_));
    reading_ = true;
    TRY_ASSIGN(pg::CopyOut copy, source_.connection().copy_out(sql));
    std::int64_t rows = 0;
    while (true) {
      reading_ = true;
      TRY_ASSIGN(std::optional<std::string_view> line, copy.next());
      reading_ = false;
      if (!line) break;
      TRY_ASSIGN(const decode::Tuple* tuple, row_.parse(*line, relation->columns.size()));
      renderer_.render_snapshot(relation, *tuple, place_.position, work_.next_sequence(), out);
      ++rows;
      if (!out.full()) continue;
      TRY(writer_.append(out.take(/*last=*/false)));
      if (work_.failed()) return base::fail(base::ErrorKind::interrupted, "another reader failed");
    }
    TRY(writer_.append(out.take(/*last=*/true)));
    return rows;
  }

  Work& work_;
  SnapshotSession& source_;
  store::BaselineWriter& writer_;
  const store::BaselinePlace& place_;
  render::Renderer renderer_;
  decode::CopyRow row_;
  bool reading_ = false;
};

// One reader after the other: after an error that is a table's own, the next goes on with the rest.
void read_all(Work& work, const Snapshot& snapshot, const store::Progress& progress,
              const pipeline::Settings& settings, const base::Interrupt& interrupt) {
  while (true) {
    bool again = false;
    base::Status read = Reader::run(work, snapshot, progress, settings, interrupt, again);
    if (read) return;
    if (!again) return work.fail(read.error());
  }
}

}  // namespace

base::Result<Missing> find_missing(pg::Connection& source, pg::Connection& destination,
                                   const store::Progress& progress,
                                   const setup::Settings& settings) {
  TRY_ASSIGN(Tables tables, wal::list_tables(source, settings.selection, progress.publication));
  TRY_ASSIGN(store::WholeTables whole, store::load_whole_tables(destination, progress));
  TRY_ASSIGN(auto publication, wal::find_publication(source, progress.publication));
  bool all_seen = publication && publication->sends_all_changes();
  // A known table that is not listed hides in an extension, or is left out now.
  std::vector<change::Oid> unlisted;
  for (const auto& [oid, membership] : whole) {
    if (std::ranges::find(tables, oid, &wal::Table::oid) == tables.end()) unlisted.push_back(oid);
  }
  Missing missing;
  TRY_ASSIGN(missing.unseen, wal::find_unpublished(source, unlisted, progress.publication));
  for (wal::Table& table : tables) {
    // A partition's rows are read, and named, by its root, as the stream does.
    if (table.is_partition) continue;
    auto known = whole.find(table.oid);
    bool is_whole = known != whole.end();
    bool published = all_seen && table.published && !table.narrowed;
    bool seen = published && (!is_whole || known->second == 0 || known->second == table.membership);
    if (is_whole && seen && !table.foreign_partition.empty()) missing.foreign.push_back(table);
    if (is_whole) (seen ? missing.whole : missing.unseen).push_back(table);
    if (published && !(is_whole && seen)) missing.to_read.push_back(std::move(table));
  }
  return missing;
}

base::Status note_unseen(pg::Connection& destination, const store::Progress& progress,
                         const Tables& unseen, base::Timestamp since, const std::string& reason) {
  for (const wal::Table& table : unseen) {
    TRY(store::note_unseen(destination, progress, {table.oid, table.schema, table.name}, since,
                           reason));
    base::log::warning("{}.{}: {}: not all of its changes since {} are known", table.schema,
                       table.name, reason, base::format(since));
  }
  return {};
}

base::Status note_missed(pg::Connection& source, pg::Connection& destination,
                         const setup::Settings& settings) {
  TRY_ASSIGN(auto progress, store::load_progress(destination, settings.source_name));
  if (!progress || progress->state != store::SourceState::streaming) return {};
  TRY_ASSIGN(Missing missing, find_missing(source, destination, *progress, settings));
  return note_unseen(destination, *progress, missing.unseen, last_look(*progress), not_published);
}

base::Timestamp last_look(const store::Progress& progress) {
  // It looks every ten seconds, and a look takes a moment.
  constexpr std::chrono::microseconds margin = std::chrono::seconds(60);
  return {progress.effective_at.unix_us - margin.count()};
}

bool wants_baseline(const Tables& tables, const pipeline::Settings& settings) {
  if (settings.snapshot == pipeline::SnapshotPolicy::none) return false;
  if (settings.snapshot == pipeline::SnapshotPolicy::initial) return true;
  std::int64_t bytes =
      std::accumulate(tables.begin(), tables.end(), std::int64_t{0},
                      [](auto sum, const auto& table) { return sum + table.bytes; });
  return std::cmp_less_equal(bytes, settings.snapshot_bytes_max);
}

base::Status describe_tables(const Tables& tables, const Snapshot& snapshot,
                             const store::Progress& progress, const pipeline::Settings& settings,
                             const base::Interrupt& interrupt) {
  TRY_ASSIGN(SnapshotSession session,
             SnapshotSession::open(settings.source_url, snapshot.name, interrupt));
  pg::Connection& source = session.connection();
  TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings.destination_url,
                                                               .purpose = "bemi/baseline",
                                                               .interrupt = &interrupt}));
  render::Renderer renderer(render::live_catalog(source), settings.setup.selection,
                            /*has_ddl_messages=*/false);
  TRY_ASSIGN(auto known, store::load_redacted(destination, progress.source));
  renderer.remember_redactions(known);
  for (const wal::Table& table : tables) {
    TRY_ASSIGN(change::Relation columns, wal::read_relation(source, table.oid));
    TRY_ASSIGN(change::RelationPtr resolved, renderer.resolve(std::move(columns)));
    change::Relation relation = *resolved;
    relation.assumed = false;
    TRY(store::note_described(destination, progress, snapshot.place, relation, table.membership));
  }
  return {};
}

base::Result<std::vector<change::Oid>> read_baseline(const Tables& tables, const Snapshot& snapshot,
                                                     const store::Progress& progress,
                                                     const pipeline::Settings& settings,
                                                     const base::Interrupt& interrupt) {
  TRY_ASSIGN(pg::Connection source, pg::Connection::open({.url = settings.source_url,
                                                          .purpose = "bemi/baseline",
                                                          .interrupt = &interrupt,
                                                          .stored_text = true}));
  TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings.destination_url,
                                                               .purpose = "bemi/baseline",
                                                               .interrupt = &interrupt}));
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  TRY_ASSIGN(auto partitions, store::Partitions::load(destination, schema));
  if (!partitions.covers(snapshot.place.effective_at)) {
    TRY(partitions.create(destination, snapshot.place.effective_at));
  }
  TRY_ASSIGN(store::DonePieces done, store::load_done_pieces(destination, progress));
  TRY_ASSIGN(BaselinePlan planned,
             plan_baseline(source, tables, done, snapshot.place.position, progress.publication));
  auto count = static_cast<unsigned>(std::min<std::size_t>(
      {planned.chunks.size(), readers_max, std::thread::hardware_concurrency()}));
  TRY_ASSIGN(auto known, store::load_redacted(destination, progress.source));
  Work work(tables, std::move(known), std::move(planned));
  {
    std::vector<std::jthread> readers;
    for (unsigned reader = 0; reader < std::max(count, 1U); ++reader) {
      readers.emplace_back([&] { read_all(work, snapshot, progress, settings, interrupt); });
    }
  }
  TRY(work.result());
  return work.given_up();
}

}  // namespace bemi::worker
