// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The messages of pgoutput as values (manual, "Logical Replication Message Formats").
// Views point into the bytes that were parsed, which must outlive them.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "change/lsn.hpp"
#include "change/relation.hpp"

namespace bemi::decode {

// 32-bit transaction ids, as on the wire; 0 outside of streamed blocks.
using WireXid = std::uint32_t;

struct Begin {
  change::Lsn commit_lsn;  // start of the commit record
  base::Timestamp committed_at;
  WireXid xid = 0;
};
struct Commit {
  change::Lsn commit_lsn;
  change::Lsn end_lsn;
  base::Timestamp committed_at;
};
struct Origin {
  change::Lsn commit_lsn;
  std::string_view name;
};
// Types are not resolved yet: Column::type is null, primary_key empty.
struct RelationMessage {
  WireXid xid = 0;
  change::Relation relation;
};
struct TypeMessage {
  WireXid xid = 0;
  change::Oid oid = 0;
  std::string_view schema;
  std::string_view name;
};

// One column's value: null, not sent because a TOASTed value did not change, or its text.
struct Value {
  enum class Kind : char { null = 'n', unchanged = 'u', text = 't' };
  Kind kind = Kind::null;
  std::string_view text;
};
// The values in the relation's column order. With old_kind key, the columns outside the replica
// identity are sent as null without being so.
using Tuple = std::vector<Value>;
enum class OldKind : char { none = 0, key = 'K', full = 'O' };

struct Insert {
  WireXid xid = 0;
  change::Oid relation = 0;
  Tuple after;
};
struct Update {
  WireXid xid = 0;
  change::Oid relation = 0;
  OldKind old_kind = OldKind::none;
  Tuple before;  // empty when old_kind is none
  Tuple after;
};
struct Delete {
  WireXid xid = 0;
  change::Oid relation = 0;
  OldKind old_kind = OldKind::none;
  Tuple before;
};
struct Truncate {
  WireXid xid = 0;
  bool cascade = false;
  bool restart_identity = false;
  std::vector<change::Oid> relations;
};
struct LogicalMessage {
  WireXid xid = 0;  // in a streamed block the top-level transaction, whichever savepoint emitted it
  bool transactional = false;
  change::Lsn lsn;
  std::string_view prefix;
  std::string_view content;
};
struct StreamStart {
  WireXid xid = 0;
  bool first = false;
};
struct StreamStop {};
struct StreamCommit {
  WireXid xid = 0;
  change::Lsn commit_lsn;
  change::Lsn end_lsn;
  base::Timestamp committed_at;
};
struct StreamAbort {
  WireXid xid = 0;
  WireXid subxid = 0;  // equal to xid when the whole transaction is aborted
};

using Message =
    std::variant<Begin, Commit, Origin, RelationMessage, TypeMessage, Insert, Update, Delete,
                 Truncate, LogicalMessage, StreamStart, StreamStop, StreamCommit, StreamAbort>;

// Each kind of message is of one of these two, or of both (a logical message): a stage names the
// group that it leaves to others, so that a new kind does not compile until every stage has said
// what it does with it.
template <class M, class... Kinds>
concept one_of = (std::same_as<M, Kinds> || ...);
template <class M>
concept framing = one_of<M, Begin, Commit, Origin, StreamStart, StreamStop, StreamCommit,
                         StreamAbort>;  // where transactions begin and end
template <class M>
concept content = one_of<M, RelationMessage, TypeMessage, Insert, Update, Delete, Truncate>;

}  // namespace bemi::decode
