// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The message with prefix `_bemi_schema` that the event triggers (contracts/source) put into the
// transaction of a DDL command: what was done to a tracked table, and what it is from there on.
// They sign it (decode/signature).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "change/lsn.hpp"
#include "change/relation.hpp"

namespace bemi::decode {

// The last moment at which the table was as it had been told.
struct UnseenSince {
  base::Timestamp time;
  change::Lsn position;
};

struct SchemaChange {
  std::string command;       // "ALTER TABLE"
  std::string sql;           // what the client sent, its first 64 kB
  std::uint32_t xid = 0;     // the (sub)transaction
  std::uint64_t top = 0;     // the transaction that it was signed for
  bool empty = false;        // the table is new and has no rows
  bool dropped = false;      // it is gone: no columns, no key
  bool rewritten = false;    // its rows got values that nobody told
  bool listed = true;        // in the publication by its own name; a partition is not
  bool unseen = false;       // nothing was done to it, but from here on it is not published
  bool publication = false;  // no table: somebody changed what our publication leaves out
  // No table of its own: these have an enum whose labels read otherwise; their shape is as before.
  std::vector<change::Oid> relabelled;
  change::Oid leaf = 0;  // no columns: the table got this partition, which is empty
  // Since when the table may have been so: the triggers did not see it happen.
  std::optional<UnseenSince> unseen_since;
  change::Oid membership = 0;           // its entry in the publication
  change::Relation relation;            // as it is from here on
  std::vector<std::string> type_texts;  // by column: "numeric(10,2)"
};

inline constexpr std::string_view schema_change_prefix = "_bemi_schema";

// Pure. Anyone may write a message: whatever it holds, the result is a SchemaChange within the
// limits of base/limits.hpp that can be stored, or an error (limit, malformed_message) that says
// why not. `content` is what the signature stands for.
base::Result<SchemaChange> parse_schema_change(std::string_view content);

// {"schema": ..., "table": ..., "columns": [{"name": ..., "type": ...}], "primary_key": [...]}:
// what is stored as `before` of a SCHEMA change.
std::string schema_json(const change::Relation& relation,
                        const std::vector<std::string>& type_texts);
// The same with "command" and "sql": what is stored as its `after`.
std::string schema_change_json(const SchemaChange& change);

}  // namespace bemi::decode
