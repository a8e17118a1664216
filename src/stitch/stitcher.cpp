// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/stitcher.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "base/overloaded.hpp"
#include "decode/pgoutput.hpp"
#include "decode/schema_change.hpp"
#include "decode/signature.hpp"

namespace bemi::stitch {
namespace {

// Messages kept per transaction. Further ones are only counted.
constexpr std::size_t refused_kept_max = 16;
constexpr std::size_t refused_bytes_max = 64UL << 10;

bool is_change(char type) { return type == 'I' || type == 'U' || type == 'D' || type == 'T'; }
bool is_description(char type) { return type == 'R' || type == 'Y'; }

// In a streamed block the (sub)transaction stands right after the type byte.
std::uint32_t xid_of(std::string_view bytes, bool in_stream) {
  if (!in_stream) return 0;
  base::ByteReader reader(bytes.substr(1));
  return reader.integer<std::uint32_t>();
}

base::Error out_of_place(const char* what) {
  return {base::ErrorKind::malformed_message,
          std::string("the source sent out of place: ") + what,
          {},
          {}};
}

constexpr std::string_view context_prefix = "_bemi";
constexpr std::string_view fence_prefix = "_bemi_fence";
constexpr std::string_view heartbeat_prefix = "_bemi_heartbeat";

bool claims_to_be_ours(std::string_view prefix) {
  return prefix == context_prefix || prefix.starts_with("_bemi_");
}

change::MessageKind kind_of(std::string_view prefix) {
  if (prefix == context_prefix) return change::MessageKind::context;
  return prefix == decode::schema_change_prefix ? change::MessageKind::schema
                                                : change::MessageKind::other;
}

// Anybody may write these too, to no effect but that they are answered; ours say nothing.
bool is_signal(const decode::LogicalMessage& message) {
  return message.content.empty() &&
         (message.prefix == fence_prefix || message.prefix == heartbeat_prefix);
}

base::Result<decode::SchemaChange> not_signed() {
  return base::fail(base::ErrorKind::malformed_message,
                    "a message of DDL that the event triggers did not sign");
}

}  // namespace

base::Result<std::optional<Record>> Transaction::next_record() {
  if (!std::exchange(early_read_, true)) {
    TRY_ASSIGN(next_early_, early_.next());
  }
  if (next_early_ && next_early_->number <= records_read_) {
    early_read_ = false;
    return next_early_;
  }
  ++records_read_;
  return records_.next();
}

base::Result<std::optional<Stitched>> Transaction::next() {
  while (true) {
    TRY_ASSIGN(std::optional<Record> record, next_record());
    if (!record) return std::nullopt;
    bool change = !is_description(record->bytes.front());
    std::uint32_t number = changes_read_;
    if (change) ++changes_read_;
    // Descriptions stay: the server sends each once, and later changes rest on it.
    if (change && aborted_.contains(record->xid)) continue;
    TRY_ASSIGN(decode::Message message, decode::parse(record->bytes, streamed_));
    Contexts::Given context;
    if (change) {
      TRY_ASSIGN(context, contexts_.of(number, aborted_));
    }
    return Stitched{.position = record->position,
                    .message = std::move(message),
                    .context = context.text,
                    .context_verified = signatures.verdict(context.mark),
                    .context_number = contexts_.text_number()};
  }
}

base::Result<std::unique_ptr<Transaction>> Stitcher::feed(change::Lsn position,
                                                          std::string_view bytes) {
  if (bytes.empty()) return std::unexpected(out_of_place("an empty message"));
  if (is_change(bytes.front()) || is_description(bytes.front())) {
    TRY(keep(position, bytes));
    return nullptr;
  }
  TRY_ASSIGN(decode::Message message, decode::parse(bytes, in_stream_));
  return control(position, message, bytes);
}

base::Status Stitcher::keep(change::Lsn position, std::string_view bytes) {
  if (current_ == nullptr)
    return std::unexpected(out_of_place("a change outside of a transaction"));
  std::uint32_t xid = xid_of(bytes, in_stream_);
  if (is_change(bytes.front())) TRY(current_->contexts_.note_change(position, xid));
  return keep_record(position, xid, bytes);
}

base::Status Stitcher::keep_record(change::Lsn position, std::uint32_t xid,
                                   std::string_view bytes) {
  Transaction& into = *current_;
  // A description is sent without a position: it goes with the change behind it.
  if (is_description(bytes.front())) {
    ++into.descriptions_;
  } else {
    std::uint32_t descriptions = std::exchange(into.descriptions_, 0);
    if (std::exchange(into.tail_position_, position) != position)
      into.tail_begin_ = into.records_count_ - descriptions;
  }
  ++into.records_count_;
  return into.records_.append({position, xid, 0, bytes});
}

// Any role may write such a message. The signature holds for one transaction, so that nobody can
// say again what was said before. The message stands before what has its own position, even when
// that came first.
base::Status Stitcher::take_schema_change(change::Lsn position,
                                          const decode::LogicalMessage& message,
                                          std::string_view bytes) {
  // A message that is too long to be believed is not worth hashing.
  bool too_long =
      message.content.size() > base::limits::schema_message_bytes_max + decode::signature_length;
  auto told = key_ && !too_long ? decode::verified(*key_, message.content) : std::nullopt;
  auto change = told ? decode::parse_schema_change(*told) : not_signed();
  if (change && static_cast<decode::WireXid>(change->top) != current_->xid) change = not_signed();
  if (!change) {
    refuse(change::MessageKind::schema, change.error().message, message.content);
    return {};
  }
  Transaction& into = *current_;
  if (into.schema_changes_ >= base::limits::schema_messages_per_transaction_max) {
    refuse(change::MessageKind::schema, "too many in one transaction", {});
    return {};
  }
  ++into.schema_changes_;
  std::uint32_t xid = in_stream_ ? change->xid : 0;
  TRY(into.contexts_.note_message_change(position, xid));
  bool late = into.records_count_ > 0 && into.tail_position_ == position;
  if (late) return into.early_.append({position, xid, into.tail_begin_, bytes});
  return keep_record(position, xid, bytes);
}

void Stitcher::refuse(change::MessageKind kind, const std::string& reason,
                      std::string_view content) {
  current_->refused_counts.add(kind);
  if (current_->refused.size() >= refused_kept_max) return;
  current_->refused.push_back({kind, reason, std::string(content.substr(0, refused_bytes_max))});
}

Transaction& Stitcher::streamed(decode::WireXid xid) {
  std::unique_ptr<Transaction>& transaction = streamed_[xid];
  if (!transaction) {
    transaction = std::make_unique<Transaction>(*budget_);
    transaction->xid = xid;
    transaction->streamed_ = true;
  }
  return *transaction;
}

base::Status Stitcher::take_message(change::Lsn position, const decode::LogicalMessage& message,
                                    std::string_view bytes) {
  if (!claims_to_be_ours(message.prefix)) return {};
  if (!message.transactional || current_ == nullptr) {
    stray_.add(kind_of(message.prefix));
    return {};
  }
  if (message.prefix == context_prefix) return take_context(position, message);
  if (message.prefix == decode::schema_change_prefix)
    return take_schema_change(position, message, bytes);
  if (is_signal(message)) {
    if (message.prefix == fence_prefix) current_->fence = true;
    return {};
  }
  refuse(change::MessageKind::other, "nothing that Bemi writes", message.content);
  return {};
}

base::Status Stitcher::take_context(change::Lsn position, const decode::LogicalMessage& message) {
  base::Result<ContextMessage> context = read_context(message.content);
  if (context) {
    context->mark =
        verifier_.judge(context->reserved, position, current_->xid, current_->signatures);
    return current_->contexts_.add(position, std::move(*context));
  }
  refuse(change::MessageKind::context, context.error().message, message.content);
  return {};
}

base::Result<std::unique_ptr<Transaction>> Stitcher::finish(
    std::unique_ptr<Transaction> transaction, change::Lsn end_lsn, base::Timestamp committed_at) {
  current_ = nullptr;
  transaction->refused_counts.add(std::exchange(stray_, {}));
  transaction->end_lsn = end_lsn;
  transaction->committed_at = committed_at;
  TRY(transaction->contexts_.finish());
  verifier_.settle(transaction->signatures, transaction->xid, committed_at);
  verifier_.note_commit(end_lsn, committed_at);
  return transaction;
}

base::Result<std::unique_ptr<Transaction>> Stitcher::control(change::Lsn position,
                                                             const decode::Message& message,
                                                             std::string_view bytes) {
  using Done = base::Result<std::unique_ptr<Transaction>>;
  return std::visit(
      base::Overloaded{
          [&](const decode::Begin& begin) -> Done {
            if (current_ != nullptr) return std::unexpected(out_of_place("Begin"));
            begun_ = std::make_unique<Transaction>(*budget_);
            begun_->xid = begin.xid;
            current_ = begun_.get();
            return nullptr;
          },
          [&](const decode::Commit& commit) -> Done {
            if (!begun_) return std::unexpected(out_of_place("Commit"));
            return finish(std::move(begun_), commit.end_lsn, commit.committed_at);
          },
          [&](const decode::StreamStart& start) -> Done {
            if (current_ != nullptr) return std::unexpected(out_of_place("Stream Start"));
            current_ = &streamed(start.xid);
            in_stream_ = true;
            return nullptr;
          },
          [&](const decode::StreamStop&) -> Done {
            if (!in_stream_) return std::unexpected(out_of_place("Stream Stop"));
            current_ = nullptr;
            in_stream_ = false;
            return nullptr;
          },
          [&](const decode::StreamCommit& commit) -> Done {
            if (current_ != nullptr) return std::unexpected(out_of_place("Stream Commit"));
            auto node = streamed_.extract(commit.xid);
            if (node.empty()) return std::unexpected(out_of_place("Stream Commit"));
            return finish(std::move(node.mapped()), commit.end_lsn, commit.committed_at);
          },
          [&](const decode::StreamAbort& abort) -> Done {
            // An abort must not remove the transaction that is being read.
            if (current_ != nullptr) return std::unexpected(out_of_place("Stream Abort"));
            if (abort.subxid == abort.xid) {
              streamed_.erase(abort.xid);
            } else if (auto found = streamed_.find(abort.xid); found != streamed_.end()) {
              found->second->aborted_.insert(abort.subxid);
            }
            return nullptr;
          },
          [&](const decode::LogicalMessage& logical) -> Done {
            TRY(take_message(position, logical, bytes));
            return nullptr;
          },
          [&](const decode::Origin&) -> Done { return nullptr; },
          // Kept as bytes, and decoded after the commit.
          [&](const decode::content auto&) -> Done { return nullptr; },
      },
      message);
}

}  // namespace bemi::stitch
