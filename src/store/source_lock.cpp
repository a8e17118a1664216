// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/source_lock.hpp"

#include "pg/named_lock.hpp"

namespace bemi::store {
namespace {

// The locks of earlier versions. Anybody may take these, too, so they decide nothing.
constexpr const char* take_earlier =
    "select pg_try_advisory_lock(1650814313, hashtext($1)), pg_backend_pid()";
constexpr const char* take_earlier_shared =
    "select pg_try_advisory_lock_shared(1650814314, hashtext($1))";
constexpr const char* is_held_by_earlier = R"(
select exists (
  select from pg_locks held join pg_stat_activity session on session.pid = held.pid
  where held.locktype = 'advisory' and held.granted and held.objsubid = 2 and held.pid <> pg_backend_pid()
    and held.classid in (1650814313, 1650814314) and held.objid::bigint = hashtext($1)::bigint & 4294967295
    and held.database = (select d.oid from pg_database d where d.datname = current_database())
    and has_table_privilege(session.usesysid, to_regclass('_bemi.source')::oid, 'update')))";

// The session that stores, and the sessions that store beside it.
std::string first_name(const std::string& source) { return "bemi stores " + source; }
std::string beside_name(const std::string& source) { return "bemi stores beside " + source; }

std::unexpected<base::Error> another_worker(const std::string& source) {
  return base::fail(base::ErrorKind::lock_timeout,
                    "another worker is storing the source " + source + " here");
}

}  // namespace

base::Result<SourceLock> lock_source(pg::Connection& destination, const std::string& source) {
  std::string who_writes = pg::may_update("_bemi.source");
  // Those beside look whether the first holds its lock when they have theirs: in this order, one of
  // the two finds the other.
  TRY_ASSIGN(bool locked, pg::try_lock(destination, {first_name(source), who_writes},
                                       {{beside_name(source), who_writes}}));
  if (!locked) return another_worker(source);
  TRY_ASSIGN(pg::Rows earlier, destination.query(take_earlier, {source}));
  TRY_ASSIGN(pg::Rows held, destination.query(is_held_by_earlier, {source}));
  if (held.truth(0, 0)) {
    TRY(pg::unlock(destination, first_name(source)));
    return another_worker(source);
  }
  return SourceLock{.source = source, .holder = earlier.text(0, 1)};
}

base::Status share_lock(pg::Connection& destination, const SourceLock& lock) {
  TRY(pg::announce(destination, beside_name(lock.source)));
  TRY(destination.query(take_earlier_shared, {lock.source}));
  TRY_ASSIGN(bool held, pg::is_held_by(destination, first_name(lock.source), lock.holder));
  if (!held) return another_worker(lock.source);
  return {};
}

}  // namespace bemi::store
