// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/stitcher.hpp"

#include <utility>

#include "base/bytes.hpp"
#include "decode/pgoutput.hpp"
#include "decode/schema_change.hpp"
#include "decode/signature.hpp"

namespace stitch {
namespace {

constexpr std::size_t rejected_kept_max = 16;
constexpr std::size_t rejected_bytes_max = 64UL << 10;

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

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace

base::Result<std::optional<Stitched>> Transaction::next() {
  while (true) {
    TRY_ASSIGN(std::optional<Record> record, records_.next());
    if (!record) return std::nullopt;
    bool change = !is_description(record->bytes.front());
    // Descriptions stay: the server sends each once, and later changes rest on it.
    if (change && aborted_.contains(record->xid)) continue;
    TRY_ASSIGN(decode::Message message, decode::parse(record->bytes, streamed_));
    std::string_view context;
    if (change) {
      TRY_ASSIGN(context, contexts_.of(record->number, aborted_));
    }
    return Stitched{record->position, std::move(message), context};
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
  if (is_change(bytes.front())) return keep_change(position, xid, bytes);
  return current_->records_.append({position, xid, current_->changes_, bytes});
}

base::Status Stitcher::keep_change(change::Lsn position, std::uint32_t xid,
                                   std::string_view bytes) {
  std::uint32_t number = current_->changes_++;
  TRY(current_->contexts_.note_change(xid));
  return current_->records_.append({position, xid, number, bytes});
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
  if (!message.transactional || current_ == nullptr) return {};
  if (message.prefix == "_bemi_fence") current_->fence = true;
  if (message.prefix == "_bemi_heartbeat") current_->heartbeat = true;
  if (message.prefix == decode::schema_change_prefix)
    return take_schema_change(position, message.content, bytes);
  if (message.prefix != "_bemi") return {};
  base::Result<ContextMessage> context = read_context(message.content);
  if (context) return current_->contexts_.add(std::move(*context));
  reject(context.error().message, message.content);
  return {};
}

// Any role may write such a message. The signature holds for one transaction, so that nobody can say
// again what was said before.
base::Status Stitcher::take_schema_change(change::Lsn position, std::string_view content,
                                          std::string_view bytes) {
  auto told = key_ ? decode::verified(*key_, content) : std::nullopt;
  auto change = told ? decode::parse_schema_change(*told) : std::nullopt;
  if (!change || static_cast<decode::WireXid>(change->top) != current_->xid) {
    reject("a message of DDL that the event triggers did not sign", content);
    return {};
  }
  return keep_change(position, in_stream_ ? change->xid : 0, bytes);
}

void Stitcher::reject(std::string reason, std::string_view content) {
  if (current_->rejected.size() >= rejected_kept_max) return;
  current_->rejected.push_back(
      {std::move(reason), std::string(content.substr(0, rejected_bytes_max))});
}

base::Result<std::unique_ptr<Transaction>> Stitcher::control(change::Lsn position,
                                                             const decode::Message& message,
                                                             std::string_view bytes) {
  using Done = base::Result<std::unique_ptr<Transaction>>;
  auto finished = [&](std::unique_ptr<Transaction> transaction, change::Lsn end_lsn,
                      base::Timestamp committed_at) -> Done {
    current_ = nullptr;
    transaction->end_lsn = end_lsn;
    transaction->committed_at = committed_at;
    TRY(transaction->contexts_.finish());
    return transaction;
  };
  return std::visit(
      Overloaded{
          [&](const decode::Begin& begin) -> Done {
            if (current_ != nullptr) return std::unexpected(out_of_place("Begin"));
            begun_ = std::make_unique<Transaction>(*budget_);
            begun_->xid = begin.xid;
            current_ = begun_.get();
            return nullptr;
          },
          [&](const decode::Commit& commit) -> Done {
            if (!begun_) return std::unexpected(out_of_place("Commit"));
            return finished(std::move(begun_), commit.end_lsn, commit.committed_at);
          },
          [&](const decode::StreamStart& start) -> Done {
            if (current_ != nullptr) return std::unexpected(out_of_place("Stream Start"));
            current_ = &streamed(start.xid);
            in_stream_ = true;
            return nullptr;
          },
          [&](const decode::StreamStop&) -> Done {
            current_ = nullptr;
            in_stream_ = false;
            return nullptr;
          },
          [&](const decode::StreamCommit& commit) -> Done {
            auto node = streamed_.extract(commit.xid);
            if (node.empty()) return std::unexpected(out_of_place("Stream Commit"));
            return finished(std::move(node.mapped()), commit.end_lsn, commit.committed_at);
          },
          [&](const decode::StreamAbort& abort) -> Done {
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
          [&](const auto&) -> Done { return nullptr; },
      },
      message);
}

}  // namespace stitch
