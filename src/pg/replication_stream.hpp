// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ReplicationStream: the CopyBoth conversation of START_REPLICATION
// (manual, "Streaming Replication Protocol").
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pg/connection.hpp"

namespace bemi::pg {

// One message from the walsender, owned: an XLogData or a keepalive frame, type byte first.
class Frame {
 public:
  Frame(char* bytes, std::size_t length) : bytes_(bytes), length_(length) {}
  [[nodiscard]] std::string_view bytes() const { return {bytes_.get(), length_}; }

 private:
  struct Free {
    void operator()(char* bytes) const;
  };
  std::unique_ptr<char, Free> bytes_;
  std::size_t length_;
};

class ReplicationStream {
 public:
  // `command`: the whole START_REPLICATION statement.
  static base::Result<ReplicationStream> start(Connection connection, const std::string& command);

  // The next frame if one is there, without waiting. A warning of the server's in the stream is an
  // error: it means that the stream is not what it should be.
  base::Result<std::optional<Frame>> poll();
  // Waits for bytes, for `wake_fd`, or for the time to pass.
  base::Status wait(int wake_fd, std::chrono::milliseconds timeout);
  // Standby status update; positions in the server's order.
  base::Status send_status(std::uint64_t written, std::uint64_t flushed, std::uint64_t applied);
  // Ends the COPY so that the server releases the slot at once.
  void finish();

 private:
  explicit ReplicationStream(Connection connection);

  Connection connection_;
  std::unique_ptr<std::optional<base::Error>> warning_;  // libpq has its address
};

}  // namespace bemi::pg
