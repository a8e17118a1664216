// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/snapshot_session.hpp"

#include <utility>

#include <fmt/format.h>

#include "pg/table_guard.hpp"

namespace bemi::worker {
namespace {

// row_security=off: a policy that would hide rows is an error instead.
constexpr const char* begin_sql =
    "begin isolation level repeatable read read only; set transaction snapshot {}; "
    "set local row_security = off";

// The snapshot shows the file that the table had; the function returns the current one.
constexpr const char* select_same_file =
    "select pg_relation_filenode(c.oid) = c.relfilenode from pg_class c where c.oid = $1";

}  // namespace

SnapshotSession::SnapshotSession(pg::Connection source, std::string snapshot)
    : source_(std::move(source)), snapshot_(std::move(snapshot)) {}

base::Result<SnapshotSession> SnapshotSession::open(const std::string& source_url,
                                                    std::string snapshot,
                                                    const base::Interrupt& interrupt) {
  TRY_ASSIGN(pg::Connection source, pg::Connection::open({.url = source_url,
                                                          .purpose = "bemi/baseline",
                                                          .interrupt = &interrupt,
                                                          .stored_text = true}));
  SnapshotSession session(std::move(source), std::move(snapshot));
  TRY(session.begin());
  return session;
}

base::Status SnapshotSession::begin() {
  if (in_transaction_) TRY(source_.run("commit"));
  in_transaction_ = false;
  TRY(source_.run(fmt::format(fmt::runtime(begin_sql), pg::quote_literal(snapshot_))));
  in_transaction_ = true;
  return {};
}

base::Status SnapshotSession::lock(change::Oid table, const std::string& quoted_name) {
  TRY(pg::lock_table(source_, std::to_string(table), quoted_name));
  TRY_ASSIGN(pg::Rows same, source_.query(select_same_file, {std::to_string(table)}));
  if (!same.empty() && same.truth(0, 0)) return {};
  return base::fail(base::ErrorKind::serialization,
                    "the table was emptied or rewritten in the meantime");
}

}  // namespace bemi::worker
