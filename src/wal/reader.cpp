// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/reader.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/bytes.hpp"

namespace bemi::wal {
namespace {

using namespace std::chrono_literals;

// Well under any sensible wal_sender_timeout (60 s by default).
constexpr auto feedback_interval = 1s;

// The newest protocol that the server speaks (manual, "Logical Streaming Replication Protocol").
int protocol_version(int server_version) {
  if (server_version >= 160000) return 4;
  return server_version >= 150000 ? 3 : 2;
}

// Recognises errors that the server would repeat at every attempt: it cannot send something at this
// position.
base::Error name_hole(base::Error error) {
  using base::ErrorKind;
  // Before 18 an error, since then a warning, after which it goes on and leaves the changes out.
  bool no_publication = says_no_publication(error);
  bool undecodable = error.kind == ErrorKind::internal || error.kind == ErrorKind::rejected;
  if (error.lsn.empty() || !(no_publication || undecodable)) return error;
  error.kind = ErrorKind::gap;
  error.message =
      (no_publication ? "there is no publication at " : "the source cannot decode the change at ") +
      error.lsn + " (" + error.message + ")";
  return error;
}

}  // namespace

// undefined_object, or object_not_in_prerequisite_state (manual, "PostgreSQL Error Codes").
bool says_no_publication(const base::Error& error) {
  return error.sqlstate == "42704" || error.sqlstate == "55000";
}

base::Result<Frame> Frame::parse(pg::Frame bytes, base::Timestamp received_at) {
  Frame frame(std::move(bytes));
  frame.received_at = received_at;
  base::ByteReader reader(frame.bytes_.bytes());
  char type = reader.integer<char>();
  if (type == 'w') {
    frame.kind = Kind::data;
    frame.position = {reader.integer<std::uint64_t>()};
    reader.take(16);  // the server's end of WAL and its clock
    frame.payload_at_ = 25;
  } else if (type == 'k') {
    frame.kind = Kind::keepalive;
    frame.position = {reader.integer<std::uint64_t>()};
    reader.take(8);
    frame.reply_requested = reader.integer<char>() != 0;
    frame.payload_at_ = frame.bytes_.bytes().size();
  } else {
    return base::fail(base::ErrorKind::malformed_message,
                      "the replication stream sent an unknown frame");
  }
  if (reader.failed()) {
    return base::fail(base::ErrorKind::malformed_message,
                      "the replication stream sent a short frame");
  }
  return frame;
}

base::Result<Reader> Reader::start(pg::Connection replication, const StreamSettings& settings) {
  std::string command = fmt::format(
      "START_REPLICATION SLOT {} LOGICAL {} (proto_version '{}', publication_names {}, "
      "messages 'true', streaming 'on')",
      pg::quote_identifier(settings.slot), change::format(settings.start),
      protocol_version(settings.server_version),
      pg::quote_literal(pg::quote_identifier(settings.publication)));
  TRY_ASSIGN(pg::ReplicationStream stream,
             pg::ReplicationStream::start(std::move(replication), command));
  Reader reader(std::move(stream));
  reader.received_ = reader.durable_ = settings.start;
  return reader;
}

base::Result<std::optional<Frame>> Reader::poll() {
  auto polled = stream_.poll();
  if (!polled) return std::unexpected(name_hole(polled.error()));
  std::optional<pg::Frame> bytes = std::move(*polled);
  if (!bytes) return std::nullopt;
  TRY_ASSIGN(Frame frame, Frame::parse(std::move(*bytes), base::Timestamp::now()));
  received_ = std::max(received_, frame.position);
  reply_due_ = reply_due_ || frame.reply_requested;
  return frame;
}

base::Status Reader::wait(int wake_fd) {
  TRY(send_feedback_if_due());
  auto left = feedback_interval - (Clock::now() - fed_back_at_);
  auto timeout = std::max(std::chrono::ceil<std::chrono::milliseconds>(left), 1ms);
  TRY(stream_.wait(wake_fd, timeout));
  return {};
}

base::Status Reader::send_feedback_if_due() {
  if (!reply_due_ && Clock::now() - fed_back_at_ < feedback_interval) return {};
  return send_feedback();
}

base::Status Reader::send_feedback() {
  reply_due_ = false;
  fed_back_at_ = Clock::now();
  return stream_.send_status(received_.value, durable_.value, durable_.value);
}

void Reader::finish() {
  // The connection may be gone: then the slot just learns it later.
  [[maybe_unused]] base::Status ignored = send_feedback();
  stream_.finish();
}

}  // namespace bemi::wal
