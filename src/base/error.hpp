// SPDX-License-Identifier: LGPL-3.0-or-later
//
// One error type for the whole program. A message is a lower-case sentence without a full stop;
// the hint says what the reader can do. Neither ever holds a cell value or a password.
#pragma once

#include <string>
#include <string_view>

namespace bemi::base {

// Kinds of failure, by what can be done about them. worker/error_policy decides over these.
enum class ErrorKind {
  usage,              // the command line or the configuration is wrong
  connection,         // a server cannot be reached, or went away
  authentication,     // a server refuses the credentials
  permission,         // a right is missing
  unsupported,        // a server too old, a setting that rules out the work
  malformed_message,  // bytes that are not what the protocol says
  gap,                // history would have a hole
  conflict,           // something of another owner stands in the way
  lock_timeout,       // a lock was not granted in time
  serialization,      // the server asks to try again
  rejected,           // the destination does not take a row
  disk_full,          // no space, here or on a server
  limit,              // a limit of base/limits.hpp
  interrupted,        // we were asked to stop
  internal,           // a bug, or an SQL error of no other kind
};

std::string_view name(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string hint;      // empty when there is nothing to advise
  std::string sqlstate;  // five characters, empty when no server said it
  std::string lsn;       // where in the WAL, when a walsender said it
  // The server's words about the row, with its values: for the person who asked, never for a log.
  std::string detail = {};

  // The error with words put before its message: "cannot read the slot: ...".
  [[nodiscard]] Error within(std::string_view what) const;
};

}  // namespace bemi::base
