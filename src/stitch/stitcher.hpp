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
#include "change/change.hpp"
#include "change/signing_key.hpp"
#include "decode/message.hpp"
#include "stitch/context.hpp"
#include "stitch/context_verifier.hpp"
#include "stitch/spool.hpp"

namespace bemi::stitch {

// A message that was not believed, or could not be stored; kept aside.
struct RefusedMessage {
  change::MessageKind kind = change::MessageKind::context;
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
  std::string_view context;                             // of a change; valid until the next call
  std::optional<bool> context_verified = std::nullopt;  // nullopt: not signed
  // Two changes of one transaction with the same number have the same context.
  std::uint64_t context_number = 0;
};

class Transaction {
 public:
  explicit Transaction(SpoolBudget& budget) : records_(budget), early_(budget), contexts_(budget) {}

  decode::WireXid xid = 0;
  change::Lsn end_lsn;  // end of the commit record
  base::Timestamp committed_at;
  bool fence = false;
  std::vector<RefusedMessage> refused;  // the first few
  change::RefusedCounts refused_counts;
  SignatureClaims signatures;

  // The views in the result are valid until the next call. nullopt at the end.
  base::Result<std::optional<Stitched>> next();

 private:
  friend class Stitcher;
  base::Result<std::optional<Record>> next_record();

  Spool records_;
  // Changes made by messages (DDL) that came after changes which they stand before; `number` says
  // before which record. See Contexts on why.
  Spool early_;
  Contexts contexts_;
  Xids aborted_;
  // While it is gathered: the records so far, and where those of the last position begin.
  std::uint32_t records_count_ = 0;
  std::uint32_t descriptions_ = 0;  // at the end of those
  std::uint32_t tail_begin_ = 0;
  change::Lsn tail_position_;
  std::uint32_t schema_changes_ = 0;
  bool streamed_ = false;
  // While it is read.
  std::optional<Record> next_early_;
  bool early_read_ = false;
  std::uint32_t records_read_ = 0;
  std::uint32_t changes_read_ = 0;
};

class Stitcher {
 public:
  // `key`: what the event triggers sign their messages with; without one, no DDL is believed.
  // `verifier`: of the signatures of contexts.
  explicit Stitcher(SpoolBudget& budget, std::optional<change::SigningKey> key = std::nullopt,
                    ContextVerifier verifier = {})
      : budget_(&budget), key_(std::move(key)), verifier_(std::move(verifier)) {}

  base::Result<std::unique_ptr<Transaction>> feed(change::Lsn position, std::string_view bytes);

  // Between two transactions: a keepalive's position is then proof that all before it was seen.
  [[nodiscard]] bool between_transactions() const { return current_ == nullptr; }
  [[nodiscard]] std::size_t open_transactions() const { return streamed_.size(); }

 private:
  base::Result<std::unique_ptr<Transaction>> control(change::Lsn position,
                                                     const decode::Message& message,
                                                     std::string_view bytes);
  base::Result<std::unique_ptr<Transaction>> finish(std::unique_ptr<Transaction> transaction,
                                                    change::Lsn end_lsn,
                                                    base::Timestamp committed_at);
  base::Status keep(change::Lsn position, std::string_view bytes);
  base::Status take_message(change::Lsn position, const decode::LogicalMessage& message,
                            std::string_view bytes);
  base::Status keep_record(change::Lsn position, std::uint32_t xid, std::string_view bytes);
  base::Status take_schema_change(change::Lsn position, const decode::LogicalMessage& message,
                                  std::string_view bytes);
  base::Status take_context(change::Lsn position, const decode::LogicalMessage& message);
  void refuse(change::MessageKind kind, const std::string& reason, std::string_view content);
  Transaction& streamed(decode::WireXid xid);

  SpoolBudget* budget_;
  std::optional<change::SigningKey> key_;
  ContextVerifier verifier_;
  std::unordered_map<decode::WireXid, std::unique_ptr<Transaction>> streamed_;
  std::unique_ptr<Transaction> begun_;  // between Begin and Commit
  Transaction* current_ = nullptr;      // the one that messages belong to now
  bool in_stream_ = false;
  change::RefusedCounts stray_;  // in no transaction: counted with the next one
};

}  // namespace bemi::stitch
