// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/pgoutput.hpp"

#include "base/bytes.hpp"

namespace bemi::decode {
namespace {

using base::ByteReader;
using base::ErrorKind;
using base::Timestamp;
using change::Lsn;

base::Error malformed(std::string what) {
  return {ErrorKind::malformed_message,
          "the source sent a malformed message: " + std::move(what),
          {},
          {}};
}

Lsn read_lsn(ByteReader& in) { return {in.integer<std::uint64_t>()}; }

Timestamp read_time(ByteReader& in) {
  return Timestamp::from_postgres_us(in.integer<std::int64_t>());
}

WireXid read_xid(ByteReader& in, bool in_stream) {
  return in_stream ? in.integer<std::uint32_t>() : 0;
}

// Int16 count, then for each column its kind, and for text its length and bytes.
bool read_tuple(ByteReader& in, Tuple& tuple) {
  auto count = in.integer<std::uint16_t>();
  tuple.reserve(count);
  for (std::uint16_t column = 0; column < count && !in.failed(); ++column) {
    switch (in.integer<char>()) {
      case 'n': tuple.push_back({Value::Kind::null, {}}); break;
      case 'u': tuple.push_back({Value::Kind::unchanged, {}}); break;
      case 't': {
        auto length = in.integer<std::uint32_t>();
        tuple.push_back({Value::Kind::text, in.take(length)});
        break;
      }
      default: return false;
    }
  }
  return !in.failed();
}

base::Result<Message> read_relation(ByteReader& in, bool in_stream) {
  RelationMessage message{.xid = read_xid(in, in_stream)};
  change::Relation& relation = message.relation;
  relation.oid = in.integer<std::uint32_t>();
  relation.schema = in.zero_ended();
  // The catalog's own schema is sent as an empty name.
  if (relation.schema.empty()) relation.schema = "pg_catalog";
  relation.table = in.zero_ended();
  char identity = in.integer<char>();
  if (std::string_view("dnfi").find(identity) == std::string_view::npos) {
    return std::unexpected(malformed("an unknown replica identity"));
  }
  relation.identity = static_cast<change::ReplicaIdentity>(identity);
  auto count = in.integer<std::uint16_t>();
  for (std::uint16_t i = 0; i < count && !in.failed(); ++i) {
    change::Column column;
    column.in_identity = (in.integer<std::uint8_t>() & 1) != 0;
    column.name = in.zero_ended();
    column.type_oid = in.integer<std::uint32_t>();
    column.type_modifier = in.integer<std::int32_t>();
    relation.columns.push_back(std::move(column));
  }
  return message;
}

base::Result<Message> read_insert(ByteReader& in, bool in_stream) {
  Insert message{
      .xid = read_xid(in, in_stream), .relation = in.integer<std::uint32_t>(), .after = {}};
  if (in.integer<char>() != 'N' || !read_tuple(in, message.after)) {
    return std::unexpected(malformed("Insert"));
  }
  return message;
}

base::Result<Message> read_update(ByteReader& in, bool in_stream) {
  Update message{.xid = read_xid(in, in_stream),
                 .relation = in.integer<std::uint32_t>(),
                 .before = {},
                 .after = {}};
  char kind = in.integer<char>();
  if (kind == 'K' || kind == 'O') {
    message.old_kind = static_cast<OldKind>(kind);
    if (!read_tuple(in, message.before)) return std::unexpected(malformed("Update"));
    kind = in.integer<char>();
  }
  if (kind != 'N' || !read_tuple(in, message.after)) return std::unexpected(malformed("Update"));
  bool same_width =
      message.old_kind == OldKind::none || message.before.size() == message.after.size();
  if (!same_width) return std::unexpected(malformed("Update with rows of different width"));
  return message;
}

base::Result<Message> read_delete(ByteReader& in, bool in_stream) {
  Delete message{
      .xid = read_xid(in, in_stream), .relation = in.integer<std::uint32_t>(), .before = {}};
  char kind = in.integer<char>();
  message.old_kind = static_cast<OldKind>(kind);
  if ((kind != 'K' && kind != 'O') || !read_tuple(in, message.before)) {
    return std::unexpected(malformed("Delete"));
  }
  return message;
}

base::Result<Message> read_truncate(ByteReader& in, bool in_stream) {
  Truncate message{.xid = read_xid(in, in_stream), .relations = {}};
  auto count = in.integer<std::uint32_t>();
  auto options = in.integer<std::uint8_t>();
  message.cascade = (options & 1) != 0;
  message.restart_identity = (options & 2) != 0;
  for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
    message.relations.push_back(in.integer<std::uint32_t>());
  }
  return message;
}

base::Result<Message> read_logical_message(ByteReader& in, bool in_stream) {
  LogicalMessage message{.xid = read_xid(in, in_stream)};
  message.transactional = (in.integer<std::uint8_t>() & 1) != 0;
  message.lsn = read_lsn(in);
  message.prefix = in.zero_ended();
  auto length = in.integer<std::uint32_t>();
  message.content = in.take(length);
  return message;
}

base::Result<Message> read_stream_commit(ByteReader& in) {
  StreamCommit message{.xid = in.integer<std::uint32_t>()};
  in.integer<std::uint8_t>();  // flags, unused
  message.commit_lsn = read_lsn(in);
  message.end_lsn = read_lsn(in);
  message.committed_at = read_time(in);
  return message;
}

base::Result<Message> read_commit(ByteReader& in) {
  Commit message;
  in.integer<std::uint8_t>();  // flags, unused
  message.commit_lsn = read_lsn(in);
  message.end_lsn = read_lsn(in);
  message.committed_at = read_time(in);
  return message;
}

base::Result<Message> read_begin(ByteReader& in) {
  Begin message{.commit_lsn = read_lsn(in), .committed_at = {}};
  message.committed_at = read_time(in);
  message.xid = in.integer<std::uint32_t>();
  return message;
}

base::Result<Message> read_type(ByteReader& in, bool in_stream) {
  TypeMessage message{.xid = read_xid(in, in_stream), .oid = in.integer<std::uint32_t>()};
  message.schema = in.zero_ended();
  message.name = in.zero_ended();
  return message;
}

base::Result<Message> read_stream_start(ByteReader& in) {
  StreamStart message{.xid = in.integer<std::uint32_t>()};
  message.first = in.integer<std::uint8_t>() == 1;
  return message;
}

base::Result<Message> read_body(char type, ByteReader& in, bool in_stream) {
  switch (type) {
    case 'B': return read_begin(in);
    case 'C': return read_commit(in);
    case 'O': return Origin{read_lsn(in), in.zero_ended()};
    case 'R': return read_relation(in, in_stream);
    case 'Y': return read_type(in, in_stream);
    case 'I': return read_insert(in, in_stream);
    case 'U': return read_update(in, in_stream);
    case 'D': return read_delete(in, in_stream);
    case 'T': return read_truncate(in, in_stream);
    case 'M': return read_logical_message(in, in_stream);
    case 'S': return read_stream_start(in);
    case 'E': return StreamStop{};
    case 'c': return read_stream_commit(in);
    case 'A': {
      StreamAbort message{.xid = in.integer<std::uint32_t>()};
      message.subxid = in.integer<std::uint32_t>();
      return message;
    }
    default: return std::unexpected(malformed("unknown type"));
  }
}

}  // namespace

base::Result<Message> parse(std::string_view bytes, bool in_stream) {
  ByteReader in(bytes);
  char type = in.integer<char>();
  base::Result<Message> message = read_body(type, in, in_stream);
  if (in.failed()) return std::unexpected(malformed("it ends too early"));
  return message;
}

}  // namespace bemi::decode
