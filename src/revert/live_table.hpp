// SPDX-License-Identifier: LGPL-3.0-or-later
//
// LiveTable: a table of the source as its catalog has it now, with all that decides whether old
// rows can come back: columns, keys, foreign keys of both ends, triggers.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "revert/history.hpp"
#include "revert/plan.hpp"

namespace bemi::revert {

enum class ValueForm : char { plain, json, hstore };

struct LiveColumn {
  std::string name;
  int number = 0;    // attnum
  std::string type;  // the base type, under a domain
  std::int64_t type_oid = 0;
  ValueForm form = ValueForm::plain;
  std::string type_schema;  // of an hstore
  bool identity_always = false;
  bool not_null = false;
};

struct KeyColumn {
  int column = 0;      // its place
  std::string equals;  // OPERATOR(pg_catalog.=)
};

struct UniqueKey {
  std::string name;
  std::vector<KeyColumn> columns;
  bool immediate = true;
  bool primary = false;
};

struct ForeignKey {
  std::string name;
  std::int64_t child = 0;  // table OIDs
  std::int64_t parent = 0;
  std::string child_name;  // quoted
  std::string parent_name;
  std::string child_only;  // "only " unless partitioned
  std::string parent_only;
  std::vector<std::string> child_columns;
  std::vector<std::string> parent_columns;
  std::vector<std::string> equals;  // parent OPERATOR child
  char on_delete = 'a';             // a no action, r restrict, c cascade, n set null, d set default
  char on_update = 'a';
};

struct LiveTrigger {
  Trigger shown;
  int type = 0;  // pg_trigger.tgtype
  char enabled = 'O';
  std::string table;  // quoted; a partition's own ones are on it
};

// A rule for INSERT, UPDATE or DELETE: with it, the undo would write something else.
struct LiveRule {
  std::string name;
  bool always = false;  // also in a replica's sessions
};

struct LiveTable {
  std::int64_t oid = 0;
  std::string schema;
  std::string table;
  bool partitioned = false;
  bool owned = false;               // by the role that we are
  std::vector<LiveColumn> columns;  // those that can be written
  std::set<std::string> generated;  // those that cannot
  std::vector<KeyColumn> key;       // by which the history knows rows; empty: by their content
  std::vector<UniqueKey> unique;
  // Also by exclusion constraints, and by unique indexes that are partial, of expressions, or take
  // nulls for equal.
  bool otherwise_unique = false;
  std::vector<LiveTrigger> triggers;
  std::vector<LiveRule> rules;
  std::string missing_rights;  // "SELECT, DELETE", or empty

  [[nodiscard]] std::string quoted() const { return pg::quote_name(schema, table); }
  // For FROM, UPDATE and DELETE: children of old-style inheritance are tables of their own.
  [[nodiscard]] std::string only() const { return (partitioned ? "" : "only ") + quoted(); }
  [[nodiscard]] std::string quoted_column(int place) const {
    return pg::quote_identifier(columns[static_cast<std::size_t>(place)].name);
  }
  [[nodiscard]] std::optional<int> place_of(const std::string& name) const;
};

struct LiveSchema {
  std::map<std::int64_t, LiveTable> tables;  // by OID; one that is not there is gone
  std::vector<ForeignKey> foreign_keys;      // that one of the tables is an end of
};

base::Result<LiveSchema> load_live_schema(pg::Connection& source,
                                          const std::vector<PastTable>& past);

// Maps the columns of the past to the current ones. Notes the columns that are gone.
Places places_of(const PastTable& past, const LiveTable& live, std::vector<std::string>& notes);

}  // namespace bemi::revert
