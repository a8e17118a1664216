// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/storing.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"

namespace bemi::pipeline {
namespace {

using namespace std::chrono_literals;
namespace limits = base::limits;

// A source that shuts down asks again and again; each answer costs a destination transaction.
constexpr auto confirm_interval_min = 1s;

// An item is small change against its memory, but many empty transactions add up.
constexpr std::size_t pass_bytes = 64;

// Whether all that came until this item is whole transactions.
bool ends_at_boundary(const StoreItem& item) {
  const auto* batch = std::get_if<change::Batch>(&item);
  return batch == nullptr || batch->last;
}

void advance(store::Progress& progress, const StoreItem& item) {
  if (const auto* pass = std::get_if<Pass>(&item)) {
    progress.advance(pass->position, pass->committed_at);
  } else if (const auto& batch = std::get<change::Batch>(item); batch.last) {
    progress.advance(batch.transaction.commit_position, batch.transaction.committed_at);
  }
}

}  // namespace

std::size_t bytes_of(const StoreItem& item) {
  const auto* batch = std::get_if<change::Batch>(&item);
  return batch == nullptr ? pass_bytes : std::max(batch->bytes, pass_bytes);
}

Storing::Storing(Dependencies dependencies, const Settings& settings)
    : dependencies_(std::move(dependencies)),
      settings_(&settings),
      connections_(dependencies_.first.is_careful() ? 1 : settings.store_connections),
      others_(connections_ - 1),
      progress_(dependencies_.first.progress()),
      committed_at_(std::chrono::steady_clock::now()) {}

base::Status Storing::run(int number) {
  std::optional<store::Writer> own;
  store::Writer* writer = number == 1 ? &dependencies_.first : nullptr;
  auto turn = number == 1 ? std::optional(CommitOrder::first) : turns_.take();
  while (turn) {
    if (writer == nullptr) {
      auto opened = dependencies_.open_another(number);
      if (!opened) {
        --others_;
        turns_.give_back();
        base::log::warning("continuing with one store connection fewer: {}",
                           opened.error().message);
        return {};
      }
      writer = &own.emplace(std::move(*opened));
    }
    TRY(take_turn(*writer, *turn));
    turn = turns_.take();
  }
  return std::unexpected(closed());
}

// Takes what comes and stores it, until there is so much that another connection should take on.
base::Status Storing::take_turn(store::Writer& writer, CommitOrder::Number turn) {
  writer.go_on_from(progress_, [this, turn] { return wait_for(turn); });
  while (true) {
    TRY(gather());
    std::size_t count = whole_transactions();
    if (count > 0) return store_aside(writer, turn, count);
    TRY(store_gathered(writer));
  }
}

// Takes the batches that are ready; where changes pile up, one turn's worth of them.
base::Status Storing::gather() {
  do {
    if (!gathered_.empty() && dependencies_.items.empty()) break;
    std::chrono::milliseconds patience = fence_waits_ ? limits::commit_age_max : 1s;
    auto items = waited(dependencies_.counters.input_wait_us,
                        [&] { return dependencies_.items.pop(patience); });
    if (!items) return std::unexpected(closed());
    for (const StoreItem& item : *items) gathered_bytes_ += bytes_of(item);
    std::ranges::move(*items, std::back_inserter(gathered_));
  } while (!gathered_.empty() && others_ > 0 && gathered_bytes_ < limits::turn_bytes_target);
  return {};
}

// Number of gathered items that make a turn of their own; 0: no other connection needs to take
// over, or none can, as in the midst of a transaction.
std::size_t Storing::whole_transactions() const {
  if (others_ == 0 || gathered_bytes_ < limits::turn_bytes_target) return 0;
  auto last = std::ranges::find_if(gathered_.rbegin(), gathered_.rend(), ends_at_boundary);
  return static_cast<std::size_t>(gathered_.rend() - last);
}

// Another connection takes on while this one stores `count` items.
base::Status Storing::store_aside(store::Writer& writer, CommitOrder::Number turn,
                                  std::size_t count) {
  auto end = gathered_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<StoreItem> unit(std::move_iterator(gathered_.begin()), std::move_iterator(end));
  gathered_.erase(gathered_.begin(), end);
  progress_ = writer.progress();
  for (const StoreItem& item : unit) {
    gathered_bytes_ -= bytes_of(item);
    advance(progress_, item);
  }
  fence_waits_ = source_waits_ = false;  // the commit at the end answers both
  committed_at_ = std::chrono::steady_clock::now();
  turns_.hand_on();
  for (StoreItem& item : unit) {
    // Freed before the next one: together they can be large.
    StoreItem taken = std::move(item);
    TRY(append(writer, taken));
  }
  TRY(writer.commit());
  dependencies_.durable(writer.durable());
  turns_.committed(turn);
  return {};
}

base::Status Storing::store_gathered(store::Writer& writer) {
  for (StoreItem& item : gathered_) {
    StoreItem taken = std::move(item);
    TRY(take_item(writer, taken));
  }
  gathered_.clear();
  gathered_bytes_ = 0;
  if (!writer.at_boundary()) return {};
  auto now = std::chrono::steady_clock::now();
  auto age = now - committed_at_;
  // Nothing more waits: what is gathered becomes visible now. Under load this never happens,
  // and commits grow to the size that the destination's speed makes them.
  bool due = writer.has_content() && dependencies_.items.empty();
  auto interval = source_waits_ ? confirm_interval_min : settings_->heartbeat_interval();
  bool heartbeat_due = writer.has_progress() && age >= interval;
  bool fence_due = fence_waits_ && fence_answers_.is_due(now, age);
  if (due || fence_due || heartbeat_due) return commit(writer);
  return {};
}

base::Status Storing::append(store::Writer& writer, StoreItem& item) {
  if (const Pass* pass = std::get_if<Pass>(&item)) {
    writer.pass(pass->position, pass->committed_at);
    return {};
  }
  auto& batch = std::get<change::Batch>(item);
  TRY(writer.append(batch));
  dependencies_.counters.items += std::ssize(batch.changes);
  dependencies_.counters.bytes += static_cast<std::int64_t>(batch.bytes);
  return {};
}

base::Status Storing::take_item(store::Writer& writer, StoreItem& item) {
  TRY(append(writer, item));
  if (const Pass* pass = std::get_if<Pass>(&item)) {
    source_waits_ = source_waits_ || pass->confirm;
    return {};
  }
  fence_waits_ = fence_waits_ || std::get<change::Batch>(item).transaction.fence;
  if (!writer.at_boundary()) return {};
  auto age = std::chrono::steady_clock::now() - committed_at_;
  bool enough = writer.uncommitted_bytes() >= limits::commit_bytes_target;
  if (enough || (writer.has_content() && age >= limits::commit_age_max)) return commit(writer);
  return {};
}

base::Status Storing::commit(store::Writer& writer) {
  Wait waiting(dependencies_.counters.output_wait_us);
  if (writer.has_content() || writer.has_progress()) TRY(writer.commit());
  fence_waits_ = source_waits_ = false;
  committed_at_ = std::chrono::steady_clock::now();
  dependencies_.durable(writer.durable());
  return {};
}

// Waits until all turns before are committed.
base::Status Storing::wait_for(CommitOrder::Number turn) {
  switch (turns_.wait_for(turn, limits::turn_wait_max)) {
    case CommitOrder::Waited::done: return {};
    case CommitOrder::Waited::closed: return std::unexpected(closed());
    case CommitOrder::Waited::timeout: break;
  }
  // The server sees no circle: one of its sessions waits for us, who wait in here.
  return base::fail(base::ErrorKind::serialization,
                    "one connection to the destination waits for another for too long",
                    "somebody may hold a lock on a table of the history");
}

}  // namespace bemi::pipeline
