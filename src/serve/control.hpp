// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Control: the sources that are tracked from here, each by a worker of its own. `serve` starts none
// itself; who starts it wires this. Called from many threads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "change/tracking_options.hpp"

namespace bemi::serve {

// A database and a role to create for a history, by a role that may do so on that server.
struct NewDestination {
  std::string admin_url;  // kept nowhere
  std::string database;
  std::string role;         // empty: as the database
  bool takes_over = false;  // what is there already
};

struct NewSource {
  std::string name;  // empty: the database's
  std::string url;
  std::string admin_url;   // for preparing it now; kept nowhere
  std::string revert_url;  // a role that may write, for undoing
  change::TrackingOptions tracking;
  std::string destination_url;                    // empty: this server's
  std::optional<NewDestination> new_destination;  // made first, and used
  std::string created_by;
};

class Control {
 public:
  virtual ~Control() = default;
  // [{"name", "place", "paused", "state", "pid", "starts", "last_error", "lines", ...}]
  virtual base::Result<std::string> list() = 0;
  // {"name", "place", "good", "source": [{"severity", "subject", "what", "fix", "prepared"}],
  // "destination", "steps": [{"what", "sql"}], "tables": [{"schema", "table", "bytes", "columns",
  // "tracked"}]}. `steps`: what starting would do; `prepared`: it mends that. Changes nothing.
  virtual base::Result<std::string> check(const NewSource& source) = 0;
  // Makes its destination where that is asked for, prepares it with `admin_url` where given, and
  // starts its worker. Tells its name.
  virtual base::Result<std::string> add(const NewSource& source) = 0;
  // False: there is none of this name.
  virtual base::Result<bool> set_paused(const std::string& name, bool is_paused) = 0;
  // Unless the slot is kept, what was made on the source goes too; the history stays.
  virtual base::Result<bool> remove(const std::string& name, bool keep_slot) = 0;
};

}  // namespace bemi::serve
