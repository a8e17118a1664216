// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Storing: a session's last stage, batches -> destination. It commits when nothing more waits, or
// enough is gathered. Where changes pile up, several connections store side by side, each its own
// run of whole transactions; they commit one after the other, each from the position that the one
// before has left, so that what is stored is at all times everything up to one position.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <variant>
#include <vector>

#include "change/durable.hpp"
#include "pipeline/commit_order.hpp"
#include "pipeline/fence_answers.hpp"
#include "pipeline/queue.hpp"
#include "pipeline/settings.hpp"
#include "pipeline/stages.hpp"
#include "store/writer.hpp"

namespace bemi::pipeline {

// All that the source committed before is either stored or in the queue before this.
struct Pass {
  change::Lsn position;
  base::Timestamp committed_at{};  // of a transaction: all that is stored was committed until then
  bool confirm = false;            // the source waits for the confirmation, as it does to shut down
};
using StoreItem = std::variant<change::Batch, Pass>;
std::size_t bytes_of(const StoreItem& item);

class Storing {
 public:
  struct Dependencies {
    store::Writer& first;
    // A writer of the same source beside the first; `number` from 2.
    std::function<base::Result<store::Writer>(int number)> open_another;
    BoundedQueue<StoreItem>& items;
    StageCounters& counters;
    std::function<void(change::Durable)> durable;  // in order
  };
  Storing(Dependencies dependencies, const Settings& settings);

  [[nodiscard]] int connections() const { return connections_; }
  // A thread's work, with the connection of that number, from 1. Until an error, or close().
  base::Status run(int number);
  void close() { turns_.close(); }

 private:
  base::Status take_turn(store::Writer& writer, CommitOrder::Number turn);
  base::Status gather();
  [[nodiscard]] std::size_t whole_transactions() const;
  base::Status store_aside(store::Writer& writer, CommitOrder::Number turn, std::size_t count);
  base::Status store_gathered(store::Writer& writer);
  base::Status append(store::Writer& writer, StoreItem& item);
  base::Status take_item(store::Writer& writer, StoreItem& item);
  base::Status commit(store::Writer& writer);
  base::Status wait_for(CommitOrder::Number turn);

  Dependencies dependencies_;
  const Settings* settings_;
  int connections_;
  std::atomic<int> others_;  // connections beside the first that may be opened, or are
  CommitOrder turns_;
  // Owned by the thread whose turn it is.
  store::Progress progress_;         // where the next turn begins
  std::vector<StoreItem> gathered_;  // taken from the queue
  std::size_t gathered_bytes_ = 0;
  std::chrono::steady_clock::time_point committed_at_;
  bool fence_waits_ = false;
  bool source_waits_ = false;
  FenceAnswers fence_answers_;
};

}  // namespace bemi::pipeline
