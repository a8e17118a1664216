// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The source's tables and publication, as far as tracking needs them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "change/relation.hpp"
#include "change/selection.hpp"
#include "pg/connection.hpp"

namespace bemi::wal {

struct Table {
  change::Oid oid = 0;
  std::string schema;
  std::string name;
  std::string owner;
  change::ReplicaIdentity identity = change::ReplicaIdentity::default_;
  bool has_primary_key = false;
  // PostgreSQL finds its rows by what `identity` says now: published, it may be updated.
  bool identified = false;
  // It has a primary key, and is identified by an index that leaves it out: PostgreSQL then sends
  // no old key, and a change of the key does not say which row it was.
  bool loses_key = false;
  bool key_identifies = false;  // it would with the identity default
  std::string usable_index;     // it would with this one; empty: with none
  bool tracked = true;          // the selection wants it; a partition as its root
  bool is_partition = false;    // a leaf or middle of a partitioned table
  std::string root_schema;      // of the table that a partition is, at last, a part of
  std::string root_name;
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
  // Its first partition that is a foreign table, quoted; empty: none is. No WAL has its rows.
  std::string foreign_partition;
};

// An index `i` of the table `c` by which PostgreSQL finds a row for UPDATE and DELETE of a
// published table. A deferrable key and an invalid or partial index are none, whatever the table's
// identity says.
inline constexpr std::string_view identifying_index =
    "i.indrelid = c.oid and i.indisunique and i.indimmediate and i.indisvalid and i.indislive "
    "and i.indpred is null and i.indexprs is null "
    "and not exists (select from pg_catalog.pg_attribute k where k.attrelid = i.indrelid "
    "and k.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1]) and not k.attnotnull)";

// All ordinary and partitioned tables that `selection` tracks. Bemi's own are left out, and every
// history that is in this database, of whatever settings. A partition is tracked as its root is,
// whatever its own name.
base::Result<std::vector<Table>> list_tables(pg::Connection& source,
                                             const change::Selection& selection,
                                             const std::string& publication);

// Also those that are published and not tracked, histories too: nobody else minds that they can be
// updated.
base::Result<std::vector<Table>> list_published_too(pg::Connection& source,
                                                    const change::Selection& selection,
                                                    const std::string& publication);

// Those of these tables that exist and are not in the publication, by name and OID alone; without
// partitions.
base::Result<std::vector<Table>> find_unpublished(pg::Connection& source,
                                                  const std::vector<change::Oid>& oids,
                                                  const std::string& publication);

struct Publication {
  std::string name;
  change::Oid oid = 0;
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

// Another text whenever somebody changed what the publication sends, though it be what it was
// again; not when a table joins it or leaves. Never empty.
base::Result<std::string> publication_state(pg::Connection& source, const std::string& name);

}  // namespace bemi::wal
