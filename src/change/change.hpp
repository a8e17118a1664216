// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Change and Transaction: what the stream has become when the destination takes it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "change/context_use.hpp"
#include "change/lsn.hpp"
#include "change/relation.hpp"

namespace bemi::change {

enum class Operation { create, update, delete_, truncate, snapshot, schema };

inline constexpr std::array operations{Operation::create,   Operation::update,   Operation::delete_,
                                       Operation::truncate, Operation::snapshot, Operation::schema};

// "CREATE", ...: as the column `operation` holds it.
std::string_view name(Operation operation);

// A transaction's own facts, the same for all its changes.
struct Transaction {
  std::uint64_t id = 0;          // 64-bit source transaction id
  Lsn commit_position;           // end of the commit record: what is acknowledged
  base::Timestamp committed_at;  // the source's own commit time
  base::Timestamp queued_at;     // read from WAL
  bool fence = false;            // carries a fence: make progress durable at once
};

// One change, ready to be stored. The views point into the batch that holds it.
struct Change {
  RelationPtr relation;
  Operation operation = Operation::create;
  Lsn position;                // WAL position of the change
  std::uint32_t sequence = 0;  // ordinal within the transaction, from 0
  bool has_key = false;
  std::string_view primary_key;
  bool moved = false;              // an update that gave the row another key
  std::string_view previous_key;   // the key that it had, when moved
  bool partial = false;            // values are left out that the stream did not send
  std::string_view before = "{}";  // JSON texts
  std::string_view after = "{}";
  std::string_view context = "{}";
  std::optional<bool> context_verified = std::nullopt;  // nullopt: nobody signed it
  std::string_view exact;                               // empty: SQL NULL
  std::string_view fidelity;                            // empty: SQL NULL
};

// The kind of a message in the WAL, which anybody may write. `other`: its prefix claims to be
// Bemi's, but Bemi writes no such message.
enum class MessageKind { context, schema, other };
inline constexpr std::size_t message_kinds = 3;
std::string_view name(MessageKind kind);

// Numbers of messages that were not believed or could not be stored.
struct RefusedCounts {
  std::int64_t context = 0;
  std::int64_t schema = 0;
  std::int64_t other = 0;
  void add(MessageKind kind) {
    switch (kind) {
      case MessageKind::context: ++context; break;
      case MessageKind::schema: ++schema; break;
      case MessageKind::other: ++other; break;
    }
  }
  void add(const RefusedCounts& counts) {
    context += counts.context;
    schema += counts.schema;
    other += counts.other;
  }
  [[nodiscard]] bool any() const { return context > 0 || schema > 0 || other > 0; }
};

// A message that could not be stored as what it is; kept aside with its bytes.
struct Parked {
  MessageKind kind = MessageKind::context;
  std::string reason;
  std::string content;
};

// What the history has of a table from a transaction on.
enum class Coverage {
  mentioned,  // some changes of it; nothing new when it was known before
  whole,      // all the rows that it had then
  broken,     // rows came, went or changed without a word, as with partitions
};
struct Covered {
  Oid relation = 0;
  std::string schema;
  std::string table;
  Coverage coverage = Coverage::mentioned;
  Oid membership = 0;  // its entry in the publication, when that is known
  // When it was so already before this transaction: since when, at the earliest.
  struct Moment {
    Lsn position;
    base::Timestamp time;
  };
  std::optional<Moment> since;
  // Why changes of it may be missing, which begins a gap; empty: none are.
  std::string gap = {};
};

// A relation as it is for the changes from `sequence` on.
struct Described {
  RelationPtr relation;
  std::uint32_t sequence = 0;
};

// Some changes of one transaction in order, with the memory they point into. A transaction is one
// batch or several; only the last says so.
struct Batch {
  Transaction transaction;
  std::vector<Change> changes;
  std::vector<Described> described;  // to be recorded
  std::vector<Covered> covered;
  std::vector<Parked> parked;
  RefusedCounts refused;
  std::vector<ContextSession> context_sessions;  // that its messages used
  std::vector<ContextFault> context_faults;
  std::vector<std::unique_ptr<std::string>> memory;
  // Large contexts, which the changes of several batches point into.
  std::vector<std::shared_ptr<const std::string>> shared;
  std::size_t bytes = 0;
  bool last = false;  // the transaction is complete with this batch
};

}  // namespace bemi::change
