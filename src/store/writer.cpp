// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/writer.hpp"

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "store/complete.hpp"
#include "store/parked.hpp"
#include "store/progress_rules.hpp"
#include "store/relation_note.hpp"
#include "store/schema.hpp"
#include "store/sql.hpp"
#include "store/table_gap.hpp"

namespace bemi::store {
namespace {

// A commit of another connection before our turn must be visible to us.
constexpr const char* begin_block = "begin isolation level read committed";

constexpr const char* insert_parked = R"(
insert into _bemi.parked (source, epoch, commit_position, sequence, transaction_id, what, reason,
                          content)
values ($1, $2, $3, $4, $5, $6, $7, $8))";

constexpr const char* insert_coverage = R"(
insert into _bemi.coverage (source, epoch, relation, schema, "table", position, since, whole, membership)
select $1, $2, $3, $4, $5, $6, $7, $8::text = 'whole', nullif($9::bigint, 0)
where $8 <> 'mentioned' or not exists (
  select from _bemi.coverage where source = $1 and epoch = $2 and relation = $3)
on conflict (source, epoch, relation, schema, "table", position) do update
set since = excluded.since, whole = excluded.whole, membership = excluded.membership)";

constexpr const char* insert_epoch = R"(
with begun as (
  insert into _bemi.epoch (source, epoch, consistent_point, previous_until, baseline, began_at)
  values ($1, $2, $3, $4, $5, $6) on conflict do nothing)
update _bemi.source set consistent_point = $3 where name = $1)";

constexpr const char* insert_key_pass = R"(
insert into _bemi.key_pass (source, schema, "table", epoch, commit_position, effective_at)
values ($1, $2, $3, $4, $5, $6) on conflict do nothing)";

constexpr const char* copy_key_changes_command =
    "copy _bemi.key_change (source, schema, \"table\", previous_key, epoch, commit_position, "
    "sequence, effective_at) from stdin";

// An update of all keys of a large table must not gather them all in memory.
constexpr std::size_t key_changes_bytes_max = 1UL << 20;

// For a person who looks at what was parked.
const char* what_of(const char* sql) {
  if (sql == insert_relation_version) return "a table's shape";
  if (sql == insert_coverage) return "since when a table is known";
  if (sql == insert_key_pass) return "keys that passed from row to row";
  if (sql == insert_table_gap) return "a gap";
  if (sql == end_table_gap) return "a gap's end";
  return "an epoch";
}

pg::Parameter nullable(base::Timestamp time) {
  if (time.unix_us == 0) return std::nullopt;
  return base::format(time);
}

std::string name(change::Coverage coverage) {
  switch (coverage) {
    case change::Coverage::mentioned: return "mentioned";
    case change::Coverage::whole: return "whole";
    case change::Coverage::broken: return "broken";
  }
  return "";
}

}  // namespace

base::Result<Writer> Writer::open(pg::Connection destination, Progress progress, Mode mode) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY_ASSIGN(Partitions partitions, Partitions::load(destination, schema));
  TRY_ASSIGN(StorableContexts storable_contexts, StorableContexts::of(destination));
  return Writer(std::make_unique<pg::Connection>(std::move(destination)), std::move(progress),
                std::move(partitions), std::move(storable_contexts), schema, mode);
}

Writer::Writer(std::unique_ptr<pg::Connection> destination, Progress progress,
               Partitions partitions, StorableContexts storable_contexts, const std::string& schema,
               Mode mode)
    : destination_(std::move(destination)),
      progress_(std::move(progress)),
      partitions_(std::move(partitions)),
      encoder_(progress_.source, progress_.database),
      storable_contexts_(std::move(storable_contexts)),
      copy_command_(RowEncoder::copy_command(changes_name(schema))),
      durable_lsn_(progress_.position),
      mode_(mode) {}

void Writer::go_on_from(const Progress& progress, Turn turn) {
  ASSERT(at_boundary());
  turn_ = std::move(turn);
  if (progress.position <= progress_.position) return;
  ASSERT(!has_content());
  progress_.advance(progress.position, progress.effective_at);
  durable_lsn_ = progress_.position;
}

// The first batch of a source transaction: its time, its partition.
base::Status Writer::begin(const change::Transaction& transaction) {
  // Commit positions rise within an epoch: the stream, the stitcher and this must agree.
  ASSERT(transaction.commit_position > progress_.position);
  base::Timestamp effective_at = effective_time(progress_, transaction.committed_at);
  if (!partitions_.covers(effective_at)) {
    if (has_content()) TRY(commit());
    TRY(partitions_.create(*destination_, effective_at));
  }
  progress_.effective_at = effective_at;
  encoder_.begin(transaction, effective_at, progress_.epoch);
  commit_position_ = transaction.commit_position;
  in_transaction_ = true;
  return {};
}

base::Status Writer::begin_copy() {
  TRY_ASSIGN(
      pg::CopyIn copy,
      destination_->copy_in((in_block_ ? "" : std::string(begin_block) + "; ") + copy_command_));
  copy_.emplace(std::move(copy));
  return copy_->send(RowEncoder::header());
}

base::Status Writer::append(change::Batch& batch) {
  if (!in_transaction_) TRY(begin(batch.transaction));
  if (is_partial(batch)) TRY(complete_rows(batch));
  storable_contexts_.fit(batch);
  large_contexts_.shrink(batch, [this](const change::Change& c) { return encoder_.id_of(c); });
  take_notes(batch);
  context_uses_.take(batch);
  if (!batch.changes.empty()) TRY(append_rows(batch));
  for (const change::Change& change : batch.changes) {
    if (change.moved) note_key_change(change);
    key_passes_.take(change);
    counters_.count(change);
  }
  if (key_changes_.size() > key_changes_bytes_max) {
    TRY(turn_());
    TRY(write_key_changes());
  }
  if (batch.last) {
    note_key_passes(batch.transaction);
    in_transaction_ = false;
    ++counters_.transactions;
    progress_.position = batch.transaction.commit_position;
  }
  return {};
}

base::Status Writer::append_rows(const change::Batch& batch) {
  if (mode_ == Mode::careful) {
    for (const change::Change& change : batch.changes) {
      TRY(append_or_park(change, batch.transaction));
    }
    return {};
  }
  if (!copy_) TRY(begin_copy());
  lines_.clear();
  auto send = [this](std::string& lines) -> base::Status {
    uncommitted_bytes_ += lines.size();
    TRY(copy_->send(lines));
    lines.clear();
    return {};
  };
  for (const change::Change& change : batch.changes) TRY(encoder_.append(lines_, change, send));
  return send(lines_);
}

base::Status Writer::append_or_park(const change::Change& change,
                                    const change::Transaction& transaction) {
  if (!std::exchange(in_block_, true)) TRY(destination_->run(begin_block));
  lines_ = RowEncoder::header();
  TRY(encoder_.append(lines_, change, [](std::string&) { return base::Status{}; }));
  lines_ += RowEncoder::trailer();
  uncommitted_bytes_ += lines_.size();
  std::string reason;
  TRY_ASSIGN(bool stored, try_alone(
                              [this]() -> base::Status {
                                TRY_ASSIGN(pg::CopyIn copy, destination_->copy_in(copy_command_));
                                TRY(copy.send(lines_));
                                TRY(copy.finish());
                                return {};
                              },
                              reason));
  if (stored) return {};
  base::log::error(
      "the destination refuses a change of {}.{} at {}: {}; it is kept in _bemi.parked",
      change.relation->schema, change.relation->table, change::format(transaction.commit_position),
      reason);
  park(transaction, change.sequence, "change", reason, parked_content(change));
  return {};
}

// Within a savepoint: false, and why, when the destination refuses it. Nothing of it remains then.
base::Result<bool> Writer::try_alone(const std::function<base::Status()>& write,
                                     std::string& reason) {
  TRY(destination_->run("savepoint alone"));
  base::Status written = write();
  if (written) {
    TRY(destination_->run("release savepoint alone"));
    return true;
  }
  if (written.error().kind != base::ErrorKind::rejected) return std::unexpected(written.error());
  TRY(destination_->run("rollback to savepoint alone; release savepoint alone"));
  reason = written.error().message;
  parked_ = true;
  return false;
}

void Writer::park(const change::Transaction& transaction, std::uint32_t sequence,
                  std::string_view what, const std::string& reason, std::string_view content) {
  add_note(insert_parked, transaction,
           {progress_.source, std::to_string(progress_.epoch),
            std::to_string(transaction.commit_position.value), std::to_string(sequence),
            std::to_string(transaction.id), std::string(what), reason, hex_bytea(content)});
}

void Writer::add_note(const char* sql, const change::Transaction& transaction,
                      std::vector<pg::Parameter> parameters) {
  notes_.push_back({sql, std::move(parameters), transaction.commit_position, transaction.id});
}

void Writer::take_notes(const change::Batch& batch) {
  std::string position = std::to_string(batch.transaction.commit_position.value);
  std::string epoch = std::to_string(progress_.epoch);
  for (const change::Described& described : batch.described) {
    add_note(insert_relation_version, batch.transaction,
             relation_version_parameters(*described.relation,
                                         {.source = progress_.source,
                                          .epoch = progress_.epoch,
                                          .position = batch.transaction.commit_position,
                                          .sequence = described.sequence,
                                          .effective_at = progress_.effective_at}));
  }
  auto note_coverage = [&](const change::Covered& covered, const std::string& from,
                           base::Timestamp since) {
    add_note(
        insert_coverage, batch.transaction,
        {progress_.source, epoch, std::to_string(covered.relation), covered.schema, covered.table,
         from, base::format(since), name(covered.coverage), std::to_string(covered.membership)});
  };
  for (const change::Covered& covered : batch.covered) {
    if (covered.since)
      note_coverage(covered, std::to_string(covered.since->position.value), covered.since->time);
    note_coverage(covered, position, progress_.effective_at);
    note_gap(covered, batch.transaction);
  }
  for (const change::Parked& parked : batch.parked) {
    park(batch.transaction, 0, change::name(parked.kind), parked.reason, parked.content);
  }
  counters_.count(batch.refused);
}

// A gap begins where the table was known last, and ends where all its rows are known again.
void Writer::note_gap(const change::Covered& covered, const change::Transaction& transaction) {
  TableGap gap{.source = progress_.source,
               .epoch = progress_.epoch,
               .relation = covered.relation,
               .schema = covered.schema,
               .table = covered.table,
               .reason = covered.gap,
               .from = covered.since ? covered.since->position : transaction.commit_position,
               .from_time = covered.since ? covered.since->time : progress_.effective_at};
  if (!covered.gap.empty()) add_note(insert_table_gap, transaction, table_gap_parameters(gap));
  if (covered.coverage == change::Coverage::whole) {
    add_note(end_table_gap, transaction,
             table_gap_end_parameters(progress_, covered.relation, transaction.commit_position,
                                      progress_.effective_at));
  }
}

void Writer::pass(change::Lsn position, base::Timestamp committed_at) {
  ASSERT(at_boundary());
  progress_.advance(position, committed_at);
}

void Writer::note_epoch(change::Lsn consistent_point, base::Timestamp known_until, bool baseline) {
  add_note(insert_epoch, {.commit_position = consistent_point},
           {progress_.source, std::to_string(progress_.epoch), change::format(consistent_point),
            nullable(known_until), pg::boolean(baseline), base::format(progress_.effective_at)});
}

void Writer::note_key_change(const change::Change& change) {
  auto field = [this](std::string_view text) {
    append_copy_text(key_changes_, text);
    key_changes_.push_back('\t');
  };
  field(progress_.source);
  field(change.relation->schema);
  field(change.relation->table);
  field(change.previous_key);
  key_changes_ += fmt::format("{}\t{}\t{}\t{}\n", progress_.epoch, commit_position_.value,
                              change.sequence, base::format(progress_.effective_at));
}

void Writer::note_key_passes(const change::Transaction& transaction) {
  for (const auto& [schema, table] : key_passes_.finish()) {
    add_note(
        insert_key_pass, transaction,
        {progress_.source, schema, table, std::to_string(progress_.epoch),
         std::to_string(transaction.commit_position.value), base::format(progress_.effective_at)});
  }
}

// Ends the COPY under way, if one is; the transaction of the destination stays open.
base::Status Writer::end_copy() {
  if (!copy_) return {};
  pg::CopyIn copy = std::move(*copy_);
  copy_.reset();
  in_block_ = true;
  TRY(copy.send(RowEncoder::trailer()));
  TRY(copy.finish());
  return {};
}

base::Status Writer::copy_key_changes(std::string_view lines) {
  TRY_ASSIGN(pg::CopyIn copy, destination_->copy_in(copy_key_changes_command));
  TRY(copy.send(lines));
  TRY(copy.finish());
  return {};
}

// \pre a transaction of the destination is open.
base::Status Writer::write_key_changes() {
  if (key_changes_.empty()) return {};
  TRY(end_copy());
  if (mode_ == Mode::careful) {
    TRY(write_key_changes_or_park());
  } else {
    TRY(copy_key_changes(key_changes_));
  }
  key_changes_.clear();
  return {};
}

base::Status Writer::write_key_changes_or_park() {
  std::string_view left = key_changes_;
  while (!left.empty()) {
    std::string_view line = left.substr(0, left.find('\n') + 1);
    left.remove_prefix(line.size());
    std::string reason;
    TRY_ASSIGN(bool stored, try_alone([&] { return copy_key_changes(line); }, reason));
    if (!stored) park_note("key change", reason, {.commit_position = commit_position_}, line);
  }
  return {};
}

void Writer::park_note(const char* what, const std::string& reason,
                       const change::Transaction& transaction, std::string_view content) {
  base::log::error("the destination refuses a note ({}) at {}: {}; it is kept in _bemi.parked",
                   what, change::format(transaction.commit_position), reason);
  park(transaction, 0, "note", std::string(what) + ": " + reason, content);
}

// \pre as above, and no COPY is under way.
base::Status Writer::write_notes() {
  // A refused change becomes a note of its own.
  for (std::size_t i = 0; i < notes_.size(); ++i) {
    if (mode_ == Mode::careful && notes_[i].sql != insert_parked) {
      Note note = notes_[i];
      TRY(write_or_park(note));
    } else {
      TRY(destination_->query(notes_[i].sql, notes_[i].parameters));
    }
  }
  notes_.clear();
  return {};
}

base::Status Writer::write_or_park(const Note& note) {
  std::string reason;
  TRY_ASSIGN(bool stored, try_alone(
                              [&]() -> base::Status {
                                TRY(destination_->query(note.sql, note.parameters));
                                return {};
                              },
                              reason));
  if (stored) return {};
  std::string content;
  for (const pg::Parameter& parameter : note.parameters) {
    append_copy_text(content, parameter.value_or("\\N"));
    content.push_back('\t');
  }
  park_note(what_of(note.sql), reason, {.id = note.transaction, .commit_position = note.position},
            content);
  return {};
}

// All that was appended before is made visible first.
base::Status Writer::complete_rows(change::Batch& batch) {
  TRY(end_copy());
  TRY(turn_());
  if (!std::exchange(in_block_, true)) TRY(destination_->run(begin_block));
  TRY(write_key_changes());
  TRY(write_notes());
  return complete(*destination_, progress_, batch);
}

base::Status Writer::save() {
  TRY_ASSIGN(pg::Rows saved,
             destination_->query(
                 sql::update_progress,
                 {progress_.source, change::format(progress_.position),
                  nullable(progress_.effective_at), std::to_string(counters_.transactions),
                  std::to_string(counters_.changes), std::to_string(counters_.changes_with_context),
                  std::to_string(counters_.contexts_rejected), change::format(durable_lsn_),
                  std::to_string(progress_.epoch), std::to_string(counters_.schema_refused),
                  std::to_string(counters_.written), std::to_string(counters_.written_with_context),
                  std::to_string(counters_.messages_refused)}));
  if (saved.affected() == 1) return {};
  return base::fail(base::ErrorKind::conflict,
                    "another worker moved the progress of the source " + progress_.source,
                    "run one worker a source; nothing was stored twice");
}

base::Status Writer::commit() {
  ASSERT(at_boundary());
  bool in_block = has_content();
  TRY(end_copy());
  TRY(turn_());
  if (in_block && !in_block_) TRY(destination_->run(begin_block));
  TRY(write_key_changes());
  TRY(write_notes());
  TRY(context_uses_.write(*destination_, progress_.source));
  TRY(save());
  if (in_block) TRY(destination_->run("commit"));
  in_block_ = false;
  if (std::exchange(parked_, false)) mode_ = Mode::fast;
  durable_lsn_ = progress_.position;
  counters_ = {};
  context_uses_ = {};
  uncommitted_bytes_ = 0;
  return {};
}

}  // namespace bemi::store
