// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ActionLog: records in `_bemi.action` what was done from here, and by whom. It writes before the
// action, so that nothing happens unseen. If the role may not write there (a token from outside),
// only the program's log has the record. Readers are recorded too: once an hour for each kind of
// reading, since a screen asks many times a minute.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "query/destination.hpp"
#include "serve/readings.hpp"

namespace bemi::serve {

struct Action {
  std::string actor;
  std::string role;
  std::string peer;
  std::string action;   // "revert", "user set", ...
  std::string target;   // a mark's, a user's, a source's name
  std::string details;  // JSON: an object, without secrets
};

class ActionLog {
 public:
  ActionLog(query::Destination& destination, bool must_write)
      : destination_(&destination), must_write_(must_write) {}

  // Which it is; 0 when it is in the program's log alone.
  base::Result<std::int64_t> begin(const Action& action);
  // `outcome`: "done", or what went wrong.
  void end(std::int64_t id, const std::string& outcome);

  // `action`: an actor, and what they read. Never fails the reading; a failure is in the program's
  // log.
  void note_reading(const Action& action);

  // [{"id", "at", "actor", "role", "peer", "action", "target", "details", "outcome", "ended_at"}],
  // the newest first, older than `before` (0: all). Without what was only read, unless asked.
  base::Result<std::string> list(std::int64_t before, std::int64_t limit, bool with_reads);

 private:
  query::Destination* destination_;
  bool must_write_;
  std::mutex mutex_;
  Readings readings_;
};

}  // namespace bemi::serve
