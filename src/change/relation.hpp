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

namespace change {

struct Column {
  std::string name;
  Oid type_oid = 0;
  std::int32_t type_modifier = -1;
  bool in_identity = false;  // part of the replica identity
  TypePtr type;              // never null once the relation is resolved
  bool redacted = false;     // its value is never stored
  bool ignored = false;      // a change in only such columns is not recorded
};

enum class ReplicaIdentity : char { default_ = 'd', nothing = 'n', full = 'f', index = 'i' };

struct Relation {
  Oid oid = 0;
  std::string schema;
  std::string table;
  ReplicaIdentity identity = ReplicaIdentity::default_;
  std::vector<Column> columns;
  std::vector<std::size_t> primary_key;  // indexes into columns, in key order; empty: no key
  bool tracked = true;                   // false: published, but not selected by the configuration
};

using RelationPtr = std::shared_ptr<const Relation>;

}  // namespace change
