// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Writer: source transactions into `changes`, exactly once. The changes and the progress row commit
// in one destination transaction; several source transactions may share one.
//
//   append(batch)... ; when at_boundary(): commit(); durable() is what may be acknowledged.
//
// After any error the writer is done for: drop it, and open a new one from the stored progress.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/change.hpp"
#include "change/durable.hpp"
#include "pg/connection.hpp"
#include "store/context_uses.hpp"
#include "store/copy_row.hpp"
#include "store/counters.hpp"
#include "store/key_passes.hpp"
#include "store/large_context.hpp"
#include "store/partitions.hpp"
#include "store/progress.hpp"
#include "store/storable_context.hpp"

namespace bemi::store {

class Writer {
 public:
  enum class Mode {
    fast,     // one COPY for all that is committed together
    careful,  // row by row, until what the destination refuses was found and parked
  };
  // Waits until what other connections store before this is committed.
  using Turn = std::function<base::Status()>;
  // \pre lock_source() or share_lock() was called on `destination`.
  static base::Result<Writer> open(pg::Connection destination, Progress progress, Mode mode);
  Writer(Writer&&) = default;

  // The next transactions begin at `progress`, which is durable once `turn` returns.
  // \pre nothing waits to be stored, or it begins there too.
  void go_on_from(const Progress& progress, Turn turn);

  // Fills in what the stream did not send (store/complete.hpp).
  base::Status append(change::Batch& batch);
  // A source transaction that stores nothing, or a keepalive: everything before `position` is
  // done with. Takes effect with the next commit().
  // `committed_at`: of the transaction; zero for a keepalive.
  void pass(change::Lsn position, base::Timestamp committed_at);
  // A new epoch begins with what was appended or passed. Takes effect with the next commit().
  // `known_until`: effective_at before it.
  void note_epoch(change::Lsn consistent_point, base::Timestamp known_until, bool baseline);

  [[nodiscard]] bool is_careful() const { return mode_ == Mode::careful; }
  [[nodiscard]] bool at_boundary() const { return !in_transaction_; }
  [[nodiscard]] std::size_t uncommitted_bytes() const { return uncommitted_bytes_; }
  // Whether something waits to be stored.
  [[nodiscard]] bool has_content() const {
    return copy_.has_value() || in_block_ || !notes_.empty() || !context_uses_.empty();
  }
  // Whether commit() would move the progress row.
  [[nodiscard]] bool has_progress() const { return progress_.position > durable_lsn_; }

  // \pre at_boundary()
  base::Status commit();
  [[nodiscard]] change::Durable durable() const { return change::Durable(durable_lsn_); }
  [[nodiscard]] const Progress& progress() const { return progress_; }

 private:
  struct Note {
    const char* sql;
    std::vector<pg::Parameter> parameters;
    change::Lsn position;  // of its transaction
    std::uint64_t transaction = 0;
  };
  Writer(std::unique_ptr<pg::Connection> destination, Progress progress, Partitions partitions,
         StorableContexts storable_contexts, const std::string& schema, Mode mode);
  base::Status begin(const change::Transaction& transaction);
  base::Status append_rows(const change::Batch& batch);
  base::Status append_or_park(const change::Change& change, const change::Transaction& transaction);
  void park(const change::Transaction& transaction, std::uint32_t sequence, std::string_view what,
            const std::string& reason, std::string_view content);
  base::Status begin_copy();
  base::Status save();
  void take_notes(const change::Batch& batch);
  void note_gap(const change::Covered& covered, const change::Transaction& transaction);
  void note_key_change(const change::Change& change);
  void note_key_passes(const change::Transaction& transaction);
  base::Status write_key_changes();
  base::Status end_copy();
  base::Status write_notes();
  base::Status write_or_park(const Note& note);
  base::Status write_key_changes_or_park();
  base::Status copy_key_changes(std::string_view lines);
  void add_note(const char* sql, const change::Transaction& transaction,
                std::vector<pg::Parameter> parameters);
  void park_note(const char* what, const std::string& reason,
                 const change::Transaction& transaction, std::string_view content);
  base::Result<bool> try_alone(const std::function<base::Status()>& write, std::string& reason);
  base::Status complete_rows(change::Batch& batch);

  // On the heap: the COPY under way points to it while the writer is moved.
  std::unique_ptr<pg::Connection> destination_;
  Progress progress_;
  Partitions partitions_;
  RowEncoder encoder_;
  StorableContexts storable_contexts_;
  LargeContexts large_contexts_;
  std::string copy_command_;
  std::optional<pg::CopyIn> copy_;
  std::string lines_;            // kept for its capacity
  KeyPasses key_passes_;         // of the source transaction being appended
  std::string key_changes_;      // rows of _bemi.key_change, to be copied before the commit
  change::Lsn commit_position_;  // of the source transaction being appended
  // Beside the COPY, which owns the connection while it runs: run before the commit.
  std::vector<Note> notes_;
  ContextUses context_uses_;
  Counters counters_;  // since the last commit
  change::Lsn durable_lsn_;
  std::size_t uncommitted_bytes_ = 0;
  Turn turn_ = [] { return base::Status{}; };
  Mode mode_;
  bool in_block_ = false;        // a transaction of the destination is open without a COPY
  bool parked_ = false;          // careful mode has found something
  bool in_transaction_ = false;  // a source transaction is appended in part
};

}  // namespace bemi::store
