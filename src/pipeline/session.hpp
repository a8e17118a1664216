// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Session: the stream under way. Threads and two bounded queues:
//
//   read_loop   | wal -> frames; feedback on its own timer; never waits for the destination
//   stitch_loop | frames -> transactions -> batches of rendered changes
//   Storing     | batches -> destination (storing.hpp), over one connection or several
//
// The first error of any of them ends all.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/interrupt.hpp"
#include "pipeline/queue.hpp"
#include "pipeline/settings.hpp"
#include "pipeline/stages.hpp"
#include "pipeline/storing.hpp"
#include "render/recode.hpp"
#include "render/refusals.hpp"
#include "render/renderer.hpp"
#include "store/context_uses.hpp"
#include "store/writer.hpp"
#include "wal/reader.hpp"

namespace bemi::pipeline {

class Session {
 public:
  // What the history knows of what the stream will tell.
  struct Known {
    render::Refusals::Kept refused_kept;  // what is kept of refused messages already
    store::KnownSessions sessions;        // that have signed contexts
    std::string database;                 // of the source, which signed contexts name
  };
  struct Dependencies {
    wal::Reader& reader;
    render::Renderer& renderer;
    store::Writer& writer;
    std::function<base::Result<store::Writer>(int number)> open_another;
    Stages& stages;
    base::Interrupt& session_interrupt;  // ends the destination's and the catalog's waits
    std::optional<change::SigningKey> signing_key;
    std::uint64_t transaction_id;  // a recent 64-bit one
    Known known = {};
    render::Recode recode = {};  // it may ask the source, on the thread that renders
  };
  Session(Dependencies dependencies, const Settings& settings);

  // Until the first error or the stop; returns why. Kind interrupted: we were asked to.
  base::Error run();

 private:
  base::Status read_loop();
  base::Status stitch_loop();

  base::Status hand_over(std::vector<wal::Frame> frames, std::size_t bytes);
  base::Status take_frame(const wal::Frame& frame, stitch::Stitcher& stitcher);
  base::Status take_transaction(stitch::Transaction& transaction, base::Timestamp queued_at);
  bool send(StoreItem item);
  bool send_gathered();
  void end(const base::Error& why);
  [[nodiscard]] stitch::ContextVerifier verifier() const;
  void take_signatures(stitch::SignatureClaims& signatures, render::BatchBuilder& out);
  [[nodiscard]] std::uint64_t extend(decode::WireXid xid);

  Dependencies dependencies_;
  const Settings* settings_;
  BoundedQueue<wal::Frame> frames_;
  BoundedQueue<StoreItem> items_;
  // The stitch thread's.
  std::vector<StoreItem> gathered_;
  std::size_t gathered_bytes_ = 0;
  std::uint64_t newest_xid_;
  render::Refusals refusals_;
  render::Recode recode_;
  Storing storing_;
  // Between the storing threads and the read thread.
  std::mutex mutex_;
  std::optional<change::Durable> durable_;
  std::optional<base::Error> why_;
};

}  // namespace bemi::pipeline
