// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/session.hpp"

#include <thread>
#include <utility>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

namespace bemi::pipeline {
namespace {

using namespace std::chrono_literals;
namespace limits = base::limits;

// Frames are handed over at the latest when this much is gathered.
constexpr std::size_t frames_bytes_target = 64UL << 10;

}  // namespace

Session::Session(Dependencies dependencies, const Settings& settings)
    : dependencies_(std::move(dependencies)),
      settings_(&settings),
      frames_(limits::wal_queue_bytes_max),
      items_(limits::store_queue_bytes_max),
      newest_xid_(dependencies_.transaction_id),
      refusals_(dependencies_.known.refused_kept, settings.setup.selection.redacts_any()),
      recode_(std::move(dependencies_.recode)),
      storing_({.first = dependencies_.writer,
                .open_another = std::move(dependencies_.open_another),
                .items = items_,
                .counters = dependencies_.stages.store,
                .durable =
                    [this](change::Durable durable) {
                      std::lock_guard lock(mutex_);
                      durable_ = durable;
                    }},
               settings) {}

base::Error Session::run() {
  auto guarded = [this](auto work) {
    return std::jthread([this, work] {
      if (base::Status done = work(); !done) end(done.error());
    });
  };
  {
    std::jthread stitcher = guarded([this] { return stitch_loop(); });
    std::vector<std::jthread> storers;
    for (int number = 1; number <= storing_.connections(); ++number) {
      storers.push_back(guarded([this, number] { return storing_.run(number); }));
    }
    if (base::Status done = read_loop(); !done) end(done.error());
  }
  ASSERT(why_.has_value());
  return *why_;
}

// The first reason is the reason; what the others meet afterwards follows from it.
void Session::end(const base::Error& why) {
  {
    std::lock_guard lock(mutex_);
    if (!why_) why_ = why;
  }
  frames_.close();
  items_.close();
  storing_.close();
  dependencies_.session_interrupt.trigger();
}

// --- read ---------------------------------------------------------------------------------------

base::Status Session::read_loop() {
  while (true) {
    std::vector<wal::Frame> frames;
    std::size_t bytes = 0;
    while (bytes < frames_bytes_target) {
      TRY_ASSIGN(std::optional<wal::Frame> frame, dependencies_.reader.poll());
      if (!frame) break;
      bytes += frame->bytes();
      frames.push_back(std::move(*frame));
    }
    dependencies_.stages.read.items += static_cast<std::int64_t>(frames.size());
    dependencies_.stages.read.bytes += static_cast<std::int64_t>(bytes);
    if (settings_->stop->triggered()) break;
    if (frames.empty()) {
      Wait waiting(dependencies_.stages.read.input_wait_us);
      // The session's own end wakes us too; the reader's connection watches settings_->stop.
      if (base::Status waited = dependencies_.reader.wait(dependencies_.session_interrupt.fd());
          !waited) {
        if (waited.error().kind == base::ErrorKind::interrupted) break;
        return waited;
      }
    } else {
      TRY(hand_over(std::move(frames), bytes));
    }
    std::lock_guard lock(mutex_);
    if (why_) return std::unexpected(closed());
    if (durable_) dependencies_.reader.acknowledge(*durable_);
  }
  {
    std::lock_guard lock(mutex_);
    if (durable_) dependencies_.reader.acknowledge(*durable_);
  }
  dependencies_.reader.finish();
  return std::unexpected(base::Error{base::ErrorKind::interrupted, "asked to stop", {}, {}});
}

// Waits for room without falling silent towards the source.
base::Status Session::hand_over(std::vector<wal::Frame> frames, std::size_t bytes) {
  using Pushed = BoundedQueue<wal::Frame>::Pushed;
  Wait waiting(dependencies_.stages.read.output_wait_us);
  while (true) {
    Pushed pushed = frames_.push_for(frames, bytes, 100ms);
    if (pushed == Pushed::closed) return std::unexpected(closed());
    TRY(dependencies_.reader.send_feedback_if_due());
    if (pushed == Pushed::done) return {};
    if (settings_->stop->triggered()) return {};
    std::lock_guard lock(mutex_);
    if (durable_) dependencies_.reader.acknowledge(*durable_);
  }
}

// --- stitch -------------------------------------------------------------------------------------

base::Status Session::stitch_loop() {
  stitch::SpoolBudget budget(settings_->spool_directory);
  stitch::Stitcher stitcher(budget, dependencies_.signing_key, verifier());
  while (true) {
    auto frames =
        waited(dependencies_.stages.stitch.input_wait_us, [&] { return frames_.pop(1s); });
    if (!frames) return std::unexpected(closed());
    for (wal::Frame& frame : *frames) {
      // Freed before the next one is taken: a single one can be a gigabyte.
      wal::Frame taken = std::move(frame);
      TRY(take_frame(taken, stitcher));
    }
    if (!send_gathered()) return std::unexpected(closed());
  }
}

stitch::ContextVerifier Session::verifier() const {
  stitch::ContextVerifier verifier(settings_->context_keys, dependencies_.known.database);
  const store::KnownSessions& known = dependencies_.known.sessions;
  verifier.remember(known.sessions, known.forgotten_until);
  const store::Progress& begin = dependencies_.writer.progress();
  verifier.note_commit(begin.position, begin.effective_at);
  return verifier;
}

base::Status Session::take_frame(const wal::Frame& frame, stitch::Stitcher& stitcher) {
  if (frame.kind == wal::Frame::Kind::keepalive) {
    // Everything that committed before has been sent; what is open now comes again after a
    // restart, since the slot keeps the WAL of open transactions.
    if (stitcher.between_transactions() && !send(Pass{frame.position, {}, frame.reply_requested})) {
      return std::unexpected(closed());
    }
    return {};
  }
  std::optional<std::string> context = recode_(frame.payload());
  TRY_ASSIGN(auto transaction, stitcher.feed(frame.position, context ? *context : frame.payload()));
  if (!transaction) return {};
  return take_transaction(*transaction, frame.received_at);
}

// The server's ids are 32 bits of a 64-bit count: the nearest to the newest one seen is meant.
std::uint64_t Session::extend(decode::WireXid xid) {
  auto ahead = static_cast<std::int32_t>(xid - static_cast<std::uint32_t>(newest_xid_));
  std::uint64_t whole = newest_xid_ + static_cast<std::uint64_t>(static_cast<std::int64_t>(ahead));
  if (ahead > 0) newest_xid_ = whole;
  return whole;
}

base::Status Session::take_transaction(stitch::Transaction& transaction,
                                       base::Timestamp queued_at) {
  render::BatchBuilder out({.id = extend(transaction.xid),
                            .commit_position = transaction.end_lsn,
                            .committed_at = transaction.committed_at,
                            .queued_at = queued_at,
                            .fence = transaction.fence});
  refusals_.take(transaction, std::chrono::steady_clock::now(), out);
  take_signatures(transaction.signatures, out);
  std::uint32_t sequence = 0;
  bool in_parts = false;
  while (true) {
    TRY_ASSIGN(std::optional<stitch::Stitched> stitched, transaction.next());
    if (!stitched) break;
    TRY(dependencies_.renderer.render(*stitched, sequence, out));
    if (!out.full()) continue;
    in_parts = true;
    if (!send(out.take(/*last=*/false))) return std::unexpected(closed());
  }
  bool nothing = !in_parts && out.empty() && !transaction.fence;
  change::Batch last = out.take(/*last=*/true);
  StoreItem item = nothing ? StoreItem(Pass{transaction.end_lsn, transaction.committed_at})
                           : StoreItem(std::move(last));
  if (!send(std::move(item))) return std::unexpected(closed());
  return {};
}

// What failed has used no number.
void Session::take_signatures(stitch::SignatureClaims& signatures, render::BatchBuilder& out) {
  std::vector<change::ContextSession> sessions;
  for (auto& claim : signatures.claims) {
    if (claim.holds) sessions.push_back(claim.use);
  }
  for (change::ContextFault& fault : signatures.faults) {
    auto other = static_cast<decode::WireXid>(fault.other_transaction);
    if (other != 0) fault.other_transaction = extend(other);
  }
  out.add_signatures(std::move(sessions), signatures.faults);
}

bool Session::send(StoreItem item) {
  gathered_bytes_ += bytes_of(item);
  gathered_.push_back(std::move(item));
  return gathered_bytes_ < limits::batch_bytes_target || send_gathered();
}

bool Session::send_gathered() {
  if (gathered_.empty()) return true;
  for (const StoreItem& item : gathered_) {
    const auto* batch = std::get_if<change::Batch>(&item);
    if (batch != nullptr) dependencies_.stages.stitch.items += std::ssize(batch->changes);
  }
  dependencies_.stages.stitch.bytes += static_cast<std::int64_t>(gathered_bytes_);
  Wait waiting(dependencies_.stages.stitch.output_wait_us);
  return items_.push(std::exchange(gathered_, {}), std::exchange(gathered_bytes_, 0));
}

}  // namespace bemi::pipeline
