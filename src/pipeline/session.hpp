// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Session: the stream under way. Three threads and two bounded queues:
//
//   read_loop   | wal -> frames; feedback on its own timer; never waits for the destination
//   stitch_loop | frames -> transactions -> batches of rendered changes
//   store_loop  | batches -> destination; commits when nothing more waits, or enough is gathered
//
// The first error of any of them ends all three.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <variant>

#include "base/interrupt.hpp"
#include "pipeline/queue.hpp"
#include "pipeline/renderer.hpp"
#include "pipeline/settings.hpp"
#include "pipeline/stages.hpp"
#include "store/writer.hpp"
#include "wal/reader.hpp"

namespace pipeline {

// All that the source committed before is either stored or in the queue before this.
struct Pass {
  change::Lsn position;
  base::Timestamp committed_at{};  // of a transaction: all that is stored was committed until then
  bool confirm = false;            // the source waits for the confirmation, as it does to shut down
};
using StoreItem = std::variant<change::Batch, Pass>;

class Session {
 public:
  struct Parts {
    wal::Reader& reader;
    Renderer& renderer;
    store::Writer& writer;
    Stages& stages;
    base::Interrupt& session_interrupt;  // ends the destination's and the catalog's waits
    std::uint64_t transaction_id;        // a recent 64-bit one
  };
  Session(Parts parts, const Settings& settings);

  // Until the first error or the stop; returns why. Kind interrupted: we were asked to.
  base::Error run();

 private:
  base::Status read_loop();
  base::Status stitch_loop();
  base::Status store_loop();

  base::Status hand_over(std::vector<wal::Frame> frames, std::size_t bytes);
  base::Status take_frame(const wal::Frame& frame, stitch::Stitcher& stitcher);
  base::Status take_transaction(stitch::Transaction& transaction, base::Timestamp queued_at);
  bool send(StoreItem item, std::size_t bytes);
  bool send_gathered();
  base::Status take_item(StoreItem& item);
  base::Status commit();
  void end(const base::Error& why);
  [[nodiscard]] std::uint64_t extend(decode::WireXid xid);

  Parts parts_;
  const Settings* settings_;
  BoundedQueue<wal::Frame> frames_;
  BoundedQueue<StoreItem> items_;
  // The stitch thread's.
  std::vector<StoreItem> gathered_;
  std::size_t gathered_bytes_ = 0;
  std::uint64_t newest_xid_;
  // The store thread's.
  std::chrono::steady_clock::time_point committed_at_;
  bool fence_waits_ = false;
  bool source_waits_ = false;
  // Between store and read thread.
  std::mutex mutex_;
  std::optional<change::Durable> durable_;
  std::optional<base::Error> why_;
};

}  // namespace pipeline
