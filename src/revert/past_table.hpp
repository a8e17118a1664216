// SPDX-License-Identifier: LGPL-3.0-or-later
//
// PastTable: a table of the source as the history knows it, through all its names and shapes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pg/connection.hpp"
#include "query/changes.hpp"
#include "revert/partitions.hpp"

namespace bemi::revert {

// A place in the order of all changes.
struct At {
  std::int64_t epoch = 0;
  std::int64_t position = 0;  // of the commit
  std::int64_t sequence = 0;
  auto operator<=>(const At&) const = default;
};

// A table's columns from a change on.
struct Shape {
  At since;
  struct Column {
    std::string name;
    int number = 0;  // what stays when it is renamed; 0: not known
  };
  std::vector<Column> columns;
};

// While a table had one name: [from, to).
struct Stretch {
  std::string schema;
  std::string table;
  At from;
  std::optional<At> to;
};

// A table of the source that selected changes are of, whatever its names were.
struct PastTable {
  std::int64_t oid = 0;
  std::string schema;  // its newest name in the history
  std::string table;
  std::vector<Stretch> stretches;
  std::vector<Shape> shapes;  // oldest first
  std::vector<std::string> key;
  std::vector<EmptiedPartition> emptied;  // by selected changes, one by one
};

// The condition for the changes (alias c) that are of the table, whatever its name was then.
std::string is_of(const PastTable& table, const std::string& source);

// Every table that had one of the names (schema, table) and has changes that `selected` selects,
// and the roots of `emptied`. `changes`: the quoted name of the table of changes.
base::Result<std::vector<PastTable>> load_past_tables(
    pg::Connection& destination, const std::string& changes, const std::string& source,
    const std::vector<std::pair<std::string, std::string>>& names,
    const std::vector<EmptiedPartition>& emptied, const query::Condition& selected);

}  // namespace bemi::revert
