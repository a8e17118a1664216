// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/source_lock.hpp"

namespace bemi::store {
namespace {

constexpr const char* take_lock =
    "select pg_try_advisory_lock(1650814313, hashtext($1)), pg_backend_pid()";

// Free once nobody stores beside the former holder any more.
constexpr const char* try_shared_alone = "select pg_try_advisory_lock(1650814314, hashtext($1))";
constexpr const char* free_shared = "select pg_advisory_unlock(1650814314, hashtext($1))";

// In this order: from then on a new holder would find this one in its way.
constexpr const char* take_shared = "select pg_try_advisory_lock_shared(1650814314, hashtext($1))";
constexpr const char* is_held = R"(
select exists (
  select from pg_locks
  where locktype = 'advisory' and granted and pid = $2::int and classid = 1650814313
    and objid::bigint = hashtext($1)::bigint & 4294967295
    and database = (select oid from pg_database where datname = current_database())))";

std::unexpected<base::Error> another_worker(const std::string& source) {
  return base::fail(base::ErrorKind::lock_timeout,
                    "another worker is storing the source " + source + " here");
}

}  // namespace

base::Result<SourceLock> lock_source(pg::Connection& destination, const std::string& source) {
  TRY_ASSIGN(pg::Rows locked, destination.query(take_lock, {source}));
  if (!locked.truth(0, 0)) return another_worker(source);
  TRY_ASSIGN(pg::Rows alone, destination.query(try_shared_alone, {source}));
  if (!alone.truth(0, 0)) return another_worker(source);
  TRY(destination.query(free_shared, {source}));
  return SourceLock{.source = source, .holder = locked.text(0, 1)};
}

base::Status share_lock(pg::Connection& destination, const SourceLock& lock) {
  TRY_ASSIGN(pg::Rows shared, destination.query(take_shared, {lock.source}));
  if (!shared.truth(0, 0)) return another_worker(lock.source);
  TRY_ASSIGN(pg::Rows held, destination.query(is_held, {lock.source, lock.holder}));
  if (!held.truth(0, 0)) return another_worker(lock.source);
  return {};
}

}  // namespace bemi::store
