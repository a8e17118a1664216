// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reader: the logical replication stream. It moves bytes and knows positions, not rows. Feedback
// goes out on its own timer, so that the source never takes a slow destination for a dead one.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "change/durable.hpp"
#include "change/lsn.hpp"
#include "pg/replication_stream.hpp"

namespace bemi::wal {

// True if the publication did not exist at the failing position.
bool says_no_publication(const base::Error& error);

// One frame of the stream, owned.
class Frame {
 public:
  enum class Kind { data, keepalive };

  static base::Result<Frame> parse(pg::Frame bytes, base::Timestamp received_at);

  Kind kind = Kind::data;
  change::Lsn position;  // of data: where it stands; of a keepalive: all before it was sent
  bool reply_requested = false;
  base::Timestamp received_at;
  [[nodiscard]] std::string_view payload() const { return bytes_.bytes().substr(payload_at_); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.bytes().size() + sizeof(Frame); }

 private:
  explicit Frame(pg::Frame bytes) : bytes_(std::move(bytes)) {}
  pg::Frame bytes_;
  std::size_t payload_at_ = 0;
};

struct StreamSettings {
  std::string slot;
  std::string publication;
  change::Lsn start;       // the slot's confirmed position is taken when it is further on
  int server_version = 0;  // decides the protocol version
};

class Reader {
 public:
  // `replication`: a connection opened with replication = true.
  static base::Result<Reader> start(pg::Connection replication, const StreamSettings& settings);

  // The next frame if one is there.
  base::Result<std::optional<Frame>> poll();
  // Waits until bytes come, `wake_fd` is readable, or it is time for feedback; sends that.
  base::Status wait(int wake_fd);
  // Sends feedback when it is due; for a caller that is waiting for something else.
  base::Status send_feedback_if_due();
  // From the next feedback on, the source may forget what lies before.
  void acknowledge(change::Durable durable) { durable_ = durable.lsn(); }
  // Sends the final status update and ends the stream.
  void finish();

 private:
  explicit Reader(pg::ReplicationStream stream) : stream_(std::move(stream)) {}
  base::Status send_feedback();

  using Clock = std::chrono::steady_clock;
  pg::ReplicationStream stream_;
  change::Lsn received_;
  change::Lsn durable_;
  Clock::time_point fed_back_at_;
  bool reply_due_ = false;
};

}  // namespace bemi::wal
