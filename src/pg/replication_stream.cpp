// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/replication_stream.hpp"

#include <libpq-fe.h>

#include "base/clock.hpp"
#include "pg/server_error.hpp"
#include "pg/wait.hpp"

namespace bemi::pg {
namespace {

void append_integer(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

// Debug and log messages, should the server be set to send them, say nothing about the stream.
void take_notice(void* warning, const PGresult* notice) {
  const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
  if (severity == nullptr || std::string_view(severity) != "WARNING") return;
  static_cast<std::optional<base::Error>*>(warning)->emplace(server_error(notice));
}

}  // namespace

ReplicationStream::ReplicationStream(Connection connection)
    : connection_(std::move(connection)), warning_(std::make_unique<std::optional<base::Error>>()) {
  PQsetNoticeReceiver(connection_.connection_.get(), take_notice, warning_.get());
}

void Frame::Free::operator()(char* bytes) const { PQfreemem(bytes); }

base::Result<ReplicationStream> ReplicationStream::start(Connection connection,
                                                         const std::string& command) {
  TRY(connection.run(command));
  return ReplicationStream(std::move(connection));
}

base::Result<std::optional<Frame>> ReplicationStream::poll() {
  char* bytes = nullptr;
  PGconn* raw = connection_.connection_.get();
  int length = PQgetCopyData(raw, &bytes, 1);
  std::optional<Frame> frame;
  if (length > 0) frame.emplace(bytes, static_cast<std::size_t>(length));
  if (*warning_) return std::unexpected(**warning_);
  if (frame) return frame;
  if (length == 0) return std::nullopt;
  if (length == -1) {
    TRY(connection_.collect());
    return base::fail(base::ErrorKind::connection, "the source ended the replication stream");
  }
  return std::unexpected(connection_.connection_error());
}

base::Status ReplicationStream::wait(int wake_fd, std::chrono::milliseconds timeout) {
  PGconn* raw = connection_.connection_.get();
  int unsent = PQflush(raw);
  if (unsent < 0) return std::unexpected(connection_.connection_error());
  TRY_ASSIGN(Ready ready, pg::wait({.socket = PQsocket(raw),
                                    .for_write = unsent > 0,
                                    .interrupt = connection_.interrupt_,
                                    .other_fd = wake_fd,
                                    .timeout = timeout}));
  if (ready == Ready::socket && PQconsumeInput(raw) == 0) {
    return std::unexpected(connection_.connection_error());
  }
  return {};
}

base::Status ReplicationStream::send_status(std::uint64_t written, std::uint64_t flushed,
                                            std::uint64_t applied) {
  std::string message = "r";
  append_integer(message, written);
  append_integer(message, flushed);
  append_integer(message, applied);
  append_integer(message, static_cast<std::uint64_t>(base::Timestamp::now().postgres_us()));
  message.push_back('\0');  // no answer wanted
  PGconn* raw = connection_.connection_.get();
  if (PQputCopyData(raw, message.data(), static_cast<int>(message.size())) != 1 ||
      PQflush(raw) < 0) {
    return std::unexpected(connection_.connection_error());
  }
  return {};
}

void ReplicationStream::finish() {
  PGconn* raw = connection_.connection_.get();
  PQputCopyEnd(raw, nullptr);
  PQflush(raw);
}

}  // namespace bemi::pg
