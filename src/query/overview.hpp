// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The overview that a person sees first: sources, tables, the keys of contexts, and
// changes counted by who or what they belong to. Answers are JSON made by PostgreSQL.
#pragma once

#include <cstdint>
#include <string>

#include "query/change_filter.hpp"

namespace bemi::query {

// [{"source", "schema", "table", "since", "whole", "columns", "primary_key"}]
base::Result<std::string> tables(pg::Connection& destination);

// [{"key", "share", "values"}]: of the newest changes, the most frequent first.
base::Result<std::string> context_keys(pg::Connection& destination);

// [{"value", "source", "changes", "transactions", "tables", "created", "updated", "deleted",
//   "first", "last", "context"}], the latest first. `by`: transaction, table, operation, source, or
// a key of the context. Changes that have no such key are left out.
base::Result<std::string> groups(pg::Connection& destination, const ChangeFilter& filter,
                                 const std::string& by, std::int64_t limit);

// [{"source", ..., "worker": {"host", "pid", "version", "started_at"}, "heard_at", "gaps": [...],
//   "parked": n, "parked_changes": n, "findings": n}]
base::Result<std::string> sources(pg::Connection& destination);

// [{"schema", "table", "changes", "with_context", "with_key"}]: which tables' changes say `key`.
// With `by`, another key of the context, each table by its values: "by" is then among the fields,
// null where a context has no such key, those that lack most first.
base::Result<std::string> context_coverage(pg::Connection& destination, const ChangeFilter& filter,
                                           const std::string& key, const std::string& by);

struct PastPage {
  std::string moment;
  std::int64_t limit = 0;
  std::int64_t offset = 0;
  std::string source;  // empty: the one that has the table
  bool partial = false;
  bool allow_stale = false;
  std::int64_t bytes_max = 16LL << 20;  // beyond: an error of kind limit
};
// {"at", "total", "rows": [{"primary_key", "row", "fidelity", "operation", "effective_at"}]}
base::Result<std::string> table_as_of(pg::Connection& destination, const TableName& table,
                                      const PastPage& page);

}  // namespace bemi::query
