// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The event triggers' records on the source (contracts/source). These functions read nothing that
// another role than the triggers' owner could have put there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "change/lsn.hpp"
#include "change/signing_key.hpp"
#include "pg/connection.hpp"

namespace bemi::wal {

// The key that the triggers sign with; nullopt where there are no triggers, or where this role may
// not read it: then nothing is told.
base::Result<std::optional<change::SigningKey>> find_signing_key(pg::Connection& source);

// Schemas that hold copies of the past (`bemi checkout --into SCHEMA`), which are not tracked.
base::Result<std::vector<std::string>> copy_schemas(pg::Connection& source);

// Why a trigger could not tell of some DDL.
struct TriggerFailure {
  std::string message;
  std::int64_t count = 0;
  std::string last_at;
};
base::Result<std::vector<TriggerFailure>> trigger_failures(pg::Connection& source);

// Whether this role may let the source look for what its triggers did not see.
base::Result<bool> may_look(pg::Connection& source);

// Changes whenever anybody changes the catalog; within seconds.
base::Result<std::string> catalog_changes(pg::Connection& source);

// A moment up to which nothing went unseen.
struct Look {
  base::Timestamp time;  // the source's own clock
  change::Lsn position;
};
base::Result<Look> look_of_now(pg::Connection& source);

// Tells into the stream every table that is another than the triggers told, "unseen since" the last
// look; how many there were.
base::Result<std::int64_t> look(pg::Connection& source, const Look& last);

}  // namespace bemi::wal
