// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Relation: a tracked table as it was at one position of the stream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "change/type.hpp"

namespace bemi::change {

struct Column {
  std::string name;
  Oid type_oid = 0;
  std::int32_t type_modifier = -1;
  bool in_identity = false;  // part of the replica identity
  TypePtr type;              // never null once the relation is resolved
  bool redacted = false;     // its value is never stored
  std::string redacted_by;   // the pattern that said so, under whatever name the column had then
  bool ignored = false;      // a change in only such columns is not recorded
  bool unchecked = false;    // nobody has looked whether its text is UTF-8 (SQL_ASCII)
  int number = 0;            // what stays when it is renamed (attnum); 0: not known
  // The value of rows that were written before the column was added: as JSON and, if JSON cannot
  // hold it, as exact text; empty: null.
  std::string missing;
  std::string missing_exact;
};

enum class ReplicaIdentity : char { default_ = 'd', nothing = 'n', full = 'f', index = 'i' };

struct Relation {
  Oid oid = 0;
  std::string schema;
  std::string table;
  ReplicaIdentity identity = ReplicaIdentity::default_;
  std::vector<Column> columns;
  std::vector<std::size_t> primary_key;  // indexes into columns, in key order; empty: no key
  std::vector<Oid> leaves;               // of a partitioned table, sorted
  Oid root = 0;                          // of a partition: whose name its rows have
  std::vector<std::string> unsent;       // generated columns, which the stream leaves out
  bool lists_unsent = true;              // false: an older release told or stored it, without those
  bool assumed = true;  // key and types are the catalog's of a later moment, not told by the stream
  bool again = false;   // described again in one session: it may have changed unseen
  bool dropped = false;
  bool tracked = true;  // false: published, but not selected by the configuration
};

// The same columns in the same order: what is known of one holds for the other.
bool same_columns(const Relation& left, const Relation& right);

// That, and the same generated columns that are not sent.
bool same_values(const Relation& left, const Relation& right);

// Finds the key's columns by name; false, and no key, when one of them is not there: better none
// than half.
bool set_primary_key(Relation& relation, const std::vector<std::string>& names);

using RelationPtr = std::shared_ptr<const Relation>;

}  // namespace bemi::change
