// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A gap of one table as a row of _bemi.gap: changes of it may be missing. It never stops the worker
// and needs nobody's consent; a new baseline ends it.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "change/lsn.hpp"
#include "change/relation.hpp"
#include "pg/connection.hpp"
#include "store/progress.hpp"

namespace bemi::store {

struct TableGap {
  std::string source;
  int epoch = 0;
  change::Oid relation = 0;
  std::string schema;
  std::string table;
  std::string reason;
  change::Lsn from;  // invalid: not known
  base::Timestamp from_time;
};

// Nothing where the table has a gap that has not ended.
extern const char* const insert_table_gap;
std::vector<pg::Parameter> table_gap_parameters(const TableGap& gap);

// All rows of the table are known again from there on.
extern const char* const end_table_gap;
std::vector<pg::Parameter> table_gap_end_parameters(const Progress& progress, change::Oid relation,
                                                    change::Lsn position, base::Timestamp time);

// The publication's state at the worker's last look, and the time of that look.
struct PublicationSeen {
  std::string state;  // empty: nobody looked yet
  base::Timestamp at;
};
base::Result<PublicationSeen> load_publication_seen(pg::Connection& destination,
                                                    const Progress& progress);
base::Status save_publication_seen(pg::Connection& destination, const Progress& progress,
                                   const PublicationSeen& seen);

}  // namespace bemi::store
