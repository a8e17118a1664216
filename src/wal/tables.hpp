// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The source's tables and publication, as far as tracking needs them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "change/relation.hpp"
#include "change/selection.hpp"
#include "pg/connection.hpp"

namespace wal {

struct Table {
  change::Oid oid = 0;
  std::string schema;
  std::string name;
  std::string owner;
  change::ReplicaIdentity identity = change::ReplicaIdentity::default_;
  bool has_primary_key = false;
  bool is_partition = false;    // a leaf or middle of a partitioned table
  bool is_partitioned = false;  // holds no rows itself
  bool unlogged = false;
  bool published = false;      // in our publication, itself or by its root
  change::Oid membership = 0;  // its entry there: another one when it was taken out and put back
  bool narrowed = false;       // there with a row filter or a list of columns
  bool wide_toast = false;     // has columns stored out of line: FULL rewrites them into WAL
  std::int64_t bytes = 0;      // heap and TOAST, for the baseline's decision
  // A published table with FULL refuses its own updates while it has virtual generated columns, or
  // while another publication leaves some of its columns out (empty: none does).
  bool virtual_columns = false;
  std::string narrow_publication;
};

// All ordinary and partitioned tables that `selection` tracks, Bemi's own left out.
// `history_schema`.changes and its partitions are left out too when it is not empty.
base::Result<std::vector<Table>> list_tables(pg::Connection& source,
                                             const change::Selection& selection,
                                             const std::string& publication,
                                             const std::string& history_schema);

struct Publication {
  std::string name;
  std::string owner;
  bool all_tables = false;
  bool via_root = false;
  bool publishes_all_operations = false;
  bool publishes_generated_columns = false;  // the stored ones; true before 18, which cannot
  // No change of a table in it goes unsent: by its root, what empties one partition would.
  [[nodiscard]] bool sends_all_changes() const { return publishes_all_operations && !via_root; }
};
base::Result<std::optional<Publication>> find_publication(pg::Connection& source,
                                                          const std::string& name);

}  // namespace wal
