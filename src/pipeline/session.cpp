// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/session.hpp"

#include <thread>

#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"

namespace pipeline {
namespace {

using namespace std::chrono_literals;
namespace limits = base::limits;

// Frames are handed over at the latest when this much is gathered.
constexpr std::size_t frames_bytes_target = 64UL << 10;

// An item is small change against its memory, but many empty transactions add up.
constexpr std::size_t pass_bytes = 64;

// A source that shuts down asks again and again; each answer costs a destination transaction.
constexpr auto confirm_interval_min = 1s;

base::Error closed() { return {base::ErrorKind::interrupted, "the session ended", {}, {}}; }

}  // namespace

Session::Session(Parts parts, const Settings& settings)
    : parts_(parts),
      settings_(&settings),
      frames_(limits::wal_queue_bytes_max),
      items_(limits::store_queue_bytes_max),
      newest_xid_(parts.transaction_id) {}

base::Error Session::run() {
  auto guarded = [this](base::Status (Session::*loop)()) {
    return std::jthread([this, loop] {
      if (base::Status done = (this->*loop)(); !done) end(done.error());
    });
  };
  {
    std::jthread stitcher = guarded(&Session::stitch_loop);
    std::jthread storer = guarded(&Session::store_loop);
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
  parts_.session_interrupt.trigger();
}

// --- read ---------------------------------------------------------------------------------------

base::Status Session::read_loop() {
  while (true) {
    std::vector<wal::Frame> frames;
    std::size_t bytes = 0;
    while (bytes < frames_bytes_target) {
      TRY_ASSIGN(std::optional<wal::Frame> frame, parts_.reader.poll());
      if (!frame) break;
      bytes += frame->bytes();
      frames.push_back(std::move(*frame));
    }
    parts_.stages.read.items += static_cast<std::int64_t>(frames.size());
    parts_.stages.read.bytes += static_cast<std::int64_t>(bytes);
    if (settings_->stop->triggered()) break;
    if (frames.empty()) {
      Wait waiting(parts_.stages.read.input_wait_us);
      // The session's own end wakes us too; the reader's connection watches settings_->stop.
      if (base::Status waited = parts_.reader.wait(parts_.session_interrupt.fd()); !waited) {
        if (waited.error().kind == base::ErrorKind::interrupted) break;
        return waited;
      }
    } else {
      TRY(hand_over(std::move(frames), bytes));
    }
    std::lock_guard lock(mutex_);
    if (why_) return std::unexpected(closed());
    if (durable_) parts_.reader.acknowledge(*durable_);
  }
  {
    std::lock_guard lock(mutex_);
    if (durable_) parts_.reader.acknowledge(*durable_);
  }
  parts_.reader.finish();
  return std::unexpected(base::Error{base::ErrorKind::interrupted, "asked to stop", {}, {}});
}

// Waits for room without falling silent towards the source.
base::Status Session::hand_over(std::vector<wal::Frame> frames, std::size_t bytes) {
  using Pushed = BoundedQueue<wal::Frame>::Pushed;
  Wait waiting(parts_.stages.read.output_wait_us);
  while (true) {
    Pushed pushed = frames_.push_for(frames, bytes, 100ms);
    if (pushed == Pushed::closed) return std::unexpected(closed());
    TRY(parts_.reader.tend());
    if (pushed == Pushed::done) return {};
    if (settings_->stop->triggered()) return {};
    std::lock_guard lock(mutex_);
    if (durable_) parts_.reader.acknowledge(*durable_);
  }
}

// --- stitch -------------------------------------------------------------------------------------

base::Status Session::stitch_loop() {
  stitch::SpoolBudget budget(settings_->spool_directory);
  stitch::Stitcher stitcher(budget);
  while (true) {
    auto frames = waited(parts_.stages.stitch.input_wait_us, [&] { return frames_.pop(1s); });
    if (!frames) return std::unexpected(closed());
    for (wal::Frame& frame : *frames) {
      // Freed before the next one is taken: a single one can be a gigabyte.
      wal::Frame taken = std::move(frame);
      TRY(take_frame(taken, stitcher));
    }
    if (!send_gathered()) return std::unexpected(closed());
  }
}

base::Status Session::take_frame(const wal::Frame& frame, stitch::Stitcher& stitcher) {
  if (frame.kind == wal::Frame::Kind::keepalive) {
    // Everything that committed before has been sent; what is open now comes again after a
    // restart, since the slot keeps the WAL of open transactions.
    if (stitcher.between_transactions() &&
        !send(Pass{frame.position, {}, frame.reply_requested}, pass_bytes)) {
      return std::unexpected(closed());
    }
    return {};
  }
  TRY_ASSIGN(auto transaction, stitcher.feed(frame.position, frame.payload()));
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
  BatchBuilder out({.id = extend(transaction.xid),
                    .commit_position = transaction.end_lsn,
                    .committed_at = transaction.committed_at,
                    .queued_at = queued_at,
                    .fence = transaction.fence});
  for (stitch::RejectedContext& rejected : transaction.rejected) {
    out.add_parked({std::move(rejected.reason), std::move(rejected.content)});
  }
  std::uint32_t sequence = 0;
  bool in_parts = false;
  while (true) {
    TRY_ASSIGN(std::optional<stitch::Stitched> stitched, transaction.next());
    if (!stitched) break;
    TRY(parts_.renderer.render(*stitched, sequence, out));
    if (!out.full()) continue;
    in_parts = true;
    change::Batch batch = out.take(/*last=*/false);
    std::size_t bytes = batch.bytes;
    if (!send(std::move(batch), bytes)) return std::unexpected(closed());
  }
  bool nothing = !in_parts && out.empty() && !transaction.fence;
  change::Batch last = out.take(/*last=*/true);
  std::size_t bytes = nothing ? pass_bytes : last.bytes;
  StoreItem item = nothing ? StoreItem(Pass{transaction.end_lsn, transaction.committed_at})
                           : StoreItem(std::move(last));
  if (!send(std::move(item), bytes)) return std::unexpected(closed());
  return {};
}

bool Session::send(StoreItem item, std::size_t bytes) {
  gathered_.push_back(std::move(item));
  gathered_bytes_ += bytes;
  return gathered_bytes_ < limits::batch_bytes_target || send_gathered();
}

bool Session::send_gathered() {
  if (gathered_.empty()) return true;
  for (const StoreItem& item : gathered_) {
    const auto* batch = std::get_if<change::Batch>(&item);
    if (batch != nullptr) parts_.stages.stitch.items += std::ssize(batch->changes);
  }
  parts_.stages.stitch.bytes += static_cast<std::int64_t>(gathered_bytes_);
  Wait waiting(parts_.stages.stitch.output_wait_us);
  return items_.push(std::exchange(gathered_, {}), std::exchange(gathered_bytes_, 0));
}

// --- store --------------------------------------------------------------------------------------

base::Status Session::store_loop() {
  store::Writer& writer = parts_.writer;
  committed_at_ = std::chrono::steady_clock::now();
  while (true) {
    auto items = waited(parts_.stages.store.input_wait_us, [&] { return items_.pop(1s); });
    if (!items) return std::unexpected(closed());
    for (StoreItem& item : *items) TRY(take_item(item));
    if (!writer.at_boundary()) continue;
    auto age = std::chrono::steady_clock::now() - committed_at_;
    // Nothing more waits: what is gathered becomes visible now. Under load this never happens,
    // and commits grow to the size that the destination's speed makes them.
    bool due = writer.has_content() && items_.empty();
    auto interval = source_waits_ ? confirm_interval_min : settings_->heartbeat_interval;
    bool heartbeat_due = writer.has_progress() && age >= interval;
    if (due || fence_waits_ || heartbeat_due) TRY(commit());
  }
}

base::Status Session::take_item(StoreItem& item) {
  store::Writer& writer = parts_.writer;
  if (const Pass* pass = std::get_if<Pass>(&item)) {
    writer.pass(pass->position, pass->committed_at);
    source_waits_ = source_waits_ || pass->confirm;
    return {};
  }
  auto& batch = std::get<change::Batch>(item);
  TRY(writer.append(batch));
  parts_.stages.store.items += std::ssize(batch.changes);
  parts_.stages.store.bytes += static_cast<std::int64_t>(batch.bytes);
  fence_waits_ = fence_waits_ || batch.transaction.fence;
  if (!writer.at_boundary()) return {};
  auto age = std::chrono::steady_clock::now() - committed_at_;
  bool enough = writer.uncommitted_bytes() >= limits::commit_bytes_target;
  if (enough || (writer.has_content() && age >= limits::commit_age_max)) return commit();
  return {};
}

base::Status Session::commit() {
  store::Writer& writer = parts_.writer;
  Wait waiting(parts_.stages.store.output_wait_us);
  if (writer.has_content() || writer.has_progress()) TRY(writer.commit());
  fence_waits_ = source_waits_ = false;
  committed_at_ = std::chrono::steady_clock::now();
  std::lock_guard lock(mutex_);
  durable_ = writer.durable();
  return {};
}

}  // namespace pipeline
