// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Stitcher: the messages of the stream -> whole committed transactions, each change with its
// context. A state machine: no clock, no network. Transactions that the server streams while they
// are open are held side by side until they commit or abort; what a rolled-back savepoint did
// vanishes.
//
//   feed(position, bytes) for every XLogData; when it returns a transaction, read it to its end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "change/signing_key.hpp"
#include "decode/message.hpp"
#include "stitch/context.hpp"
#include "stitch/spool.hpp"

namespace stitch {

// A context message that could not be stored; kept aside.
struct RejectedContext {
  std::string reason;
  std::string content;  // its first 64 kB
};

// One message of a committed transaction: a change with its context, or a description (Relation,
// Type) that holds for the changes after it.
struct Stitched {
  change::Lsn position;
  // Insert, Update, Delete, Truncate, LogicalMessage (a schema change), RelationMessage,
  // TypeMessage
  decode::Message message;
  std::string_view context;  // of a change; valid until the next call
};

class Transaction {
 public:
  explicit Transaction(SpoolBudget& budget) : records_(budget), contexts_(budget) {}

  decode::WireXid xid = 0;
  change::Lsn end_lsn;  // end of the commit record
  base::Timestamp committed_at;
  bool fence = false;
  bool heartbeat = false;
  std::vector<RejectedContext> rejected;

  // The views in the result are valid until the next call. nullopt at the end.
  base::Result<std::optional<Stitched>> next();

 private:
  friend class Stitcher;
  Spool records_;
  Contexts contexts_;
  Xids aborted_;
  std::uint32_t changes_ = 0;
  bool streamed_ = false;
};

class Stitcher {
 public:
  // `key`: what the event triggers sign their messages with; without one, no DDL is believed.
  explicit Stitcher(SpoolBudget& budget, std::optional<change::SigningKey> key = std::nullopt)
      : budget_(&budget), key_(std::move(key)) {}

  base::Result<std::unique_ptr<Transaction>> feed(change::Lsn position, std::string_view bytes);

  // Between two transactions: a keepalive's position is then proof that all before it was seen.
  [[nodiscard]] bool between_transactions() const { return current_ == nullptr; }
  [[nodiscard]] std::size_t open_transactions() const { return streamed_.size(); }

 private:
  base::Result<std::unique_ptr<Transaction>> control(change::Lsn position,
                                                     const decode::Message& message,
                                                     std::string_view bytes);
  base::Status keep(change::Lsn position, std::string_view bytes);
  base::Status take_message(change::Lsn position, const decode::LogicalMessage& message,
                            std::string_view bytes);
  base::Status take_schema_change(change::Lsn position, std::string_view content,
                                  std::string_view bytes);
  void reject(std::string reason, std::string_view content);
  base::Status keep_change(change::Lsn position, std::uint32_t xid, std::string_view bytes);
  Transaction& streamed(decode::WireXid xid);

  SpoolBudget* budget_;
  std::optional<change::SigningKey> key_;
  std::unordered_map<decode::WireXid, std::unique_ptr<Transaction>> streamed_;
  std::unique_ptr<Transaction> begun_;  // between Begin and Commit
  Transaction* current_ = nullptr;      // the one that messages belong to now
  bool in_stream_ = false;
};

}  // namespace stitch
