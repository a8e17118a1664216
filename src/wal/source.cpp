// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/source.hpp"

#include <sstream>

#include <fmt/format.h>

namespace bemi::wal {
namespace {

constexpr const char* select_identity = R"(
select s.system_identifier::text,
       case when pg_is_in_recovery()
            then (select coalesce(received_tli, c.timeline_id) from pg_stat_wal_receiver
                  right join (select 1) as one on true)
            else c.timeline_id end,
       current_database(), current_setting('server_version_num'), pg_is_in_recovery()
from pg_control_system() s, pg_control_checkpoint() c)";

// The timeline of a primary is part of the names of the WAL files that it writes; the last
// checkpoint's may be older than a promotion.
constexpr const char* select_primary_timeline =
    "select ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int";

constexpr const char* select_position = R"(
select case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
            else pg_current_wal_flush_lsn() end::text)";

base::Result<change::Lsn> lsn_of(const pg::Rows& rows) {
  if (auto lsn = change::parse_lsn(rows.text(0, 0))) return *lsn;
  return base::fail(base::ErrorKind::internal, "the source gave no WAL position");
}

base::Result<pg::Rows> emit(pg::Connection& source, const char* prefix) {
  // Synchronous, so that what it follows is on disk: an unflushed position may never come.
  return source.run(std::string("set synchronous_commit = on; "
                                "select pg_logical_emit_message(true, '") +
                    prefix + "', '')::text");
}

}  // namespace

base::Result<SourceIdentity> identify(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows rows, source.run(select_identity));
  SourceIdentity identity{.system_identifier = rows.text(0, 0),
                          .timeline = static_cast<int>(rows.integer(0, 1)),
                          .database = rows.text(0, 2),
                          .server_version = static_cast<int>(rows.integer(0, 3)),
                          .in_recovery = rows.truth(0, 4)};
  if (!identity.in_recovery) {
    TRY_ASSIGN(pg::Rows timeline, source.run(select_primary_timeline));
    identity.timeline = static_cast<int>(timeline.integer(0, 0));
  }
  return identity;
}

// The history file has a line for each timeline before: its number, where it ended, why.
base::Result<std::optional<change::Lsn>> end_of_timeline(pg::Connection& replication, int timeline,
                                                         int current_timeline) {
  TRY_ASSIGN(pg::Rows rows, replication.run(fmt::format("TIMELINE_HISTORY {}", current_timeline)));
  std::istringstream file(rows.text(0, 1));
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    int number = 0;
    std::string position;
    if (words >> number >> position && number == timeline) return change::parse_lsn(position);
  }
  return std::nullopt;
}

base::Result<Moment> now(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows rows,
             source.run("select (extract(epoch from clock_timestamp()) * 1000000)::bigint, "
                        "pg_snapshot_xmax(pg_current_snapshot())::text"));
  return Moment{.time = {rows.integer(0, 0)},
                .transaction_id = static_cast<std::uint64_t>(rows.integer(0, 1))};
}

base::Result<change::Lsn> flushed_position(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows rows, source.run(select_position));
  return lsn_of(rows);
}

base::Result<change::Lsn> emit_fence(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows recovery, source.run("select pg_is_in_recovery()"));
  if (recovery.truth(0, 0)) return flushed_position(source);
  TRY_ASSIGN(pg::Rows rows, emit(source, "_bemi_fence"));
  return lsn_of(rows);
}

base::Status emit_heartbeat(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows recovery, source.run("select pg_is_in_recovery()"));
  if (!recovery.truth(0, 0)) TRY(emit(source, "_bemi_heartbeat"));
  return {};
}

}  // namespace bemi::wal
