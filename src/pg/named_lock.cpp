// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/named_lock.hpp"

#include <fmt/format.h>

namespace bemi::pg {
namespace {

// The upper half of a number is the name's, the lower half is random. $1: the name.
constexpr const char* take_number = R"(
select pg_try_advisory_lock((hashtext($1)::bigint << 32) | n.number)
from (select floor(random() * 4294967296)::bigint as number) n)";

// {0}: names as SQL, {1}: which sessions count.
constexpr const char* select_holder = R"(
select exists (
  select from pg_locks held join pg_stat_activity session on session.pid = held.pid
  where held.locktype = 'advisory' and held.granted and held.objsubid = 1
    and held.database = (select d.oid from pg_database d where d.datname = current_database())
    and held.classid::bigint = hashtext({})::bigint & 4294967295 and {}))";

constexpr const char* free_numbers = R"(
select pg_advisory_unlock((hashtext($1)::bigint << 32) | held.objid::bigint)
from (select l.objid from pg_locks l
      where l.locktype = 'advisory' and l.objsubid = 1 and l.pid = pg_backend_pid()
        and l.classid::bigint = hashtext($1)::bigint & 4294967295 offset 0) held)";

constexpr int numbers_tried_max = 3;  // somebody has a random one by chance

base::Result<bool> has_session(Connection& connection, const std::string& name,
                               const std::string& counts) {
  std::string sql = fmt::format(fmt::runtime(select_holder), quote_literal(name), counts);
  TRY_ASSIGN(Rows rows, connection.run(sql));
  return rows.truth(0, 0);
}

}  // namespace

std::string may_update(const std::string& table) {
  // A member may first have to become the owner.
  return fmt::format(
      "exists (select from pg_class c where c.oid = to_regclass({})::oid and (has_table_privilege("
      "session.usesysid, c.oid, 'update') or pg_has_role(session.usesysid, c.relowner, 'member')))",
      quote_literal(table));
}

base::Result<bool> is_held(Connection& connection, const std::vector<LockName>& names) {
  for (const LockName& one : names) {
    TRY_ASSIGN(bool held,
               has_session(connection, one.name, "held.pid <> pg_backend_pid() and " + one.right));
    if (held) return true;
  }
  return false;
}

base::Result<bool> is_held_by(Connection& connection, const std::string& name,
                              const std::string& process) {
  return has_session(connection, name, "held.pid::text = " + quote_literal(process));
}

base::Status announce(Connection& connection, const std::string& name) {
  for (int tried = 0; tried < numbers_tried_max; ++tried) {
    TRY_ASSIGN(Rows taken, connection.query(take_number, {name}));
    if (taken.truth(0, 0)) return {};
  }
  return base::fail(base::ErrorKind::lock_timeout, "no number is free for the lock " + name);
}

base::Result<bool> try_lock(Connection& connection, const LockName& name,
                            std::vector<LockName> others) {
  others.push_back(name);
  // A session that only waits must not announce itself: it would be in the others' way.
  TRY_ASSIGN(bool held, is_held(connection, others));
  if (held) return false;
  TRY(announce(connection, name.name));
  TRY_ASSIGN(bool is_contended, is_held(connection, others));
  if (is_contended) TRY(unlock(connection, name.name));
  return !is_contended;
}

base::Status unlock(Connection& connection, const std::string& name) {
  TRY(connection.query(free_numbers, {name}));
  return {};
}

}  // namespace bemi::pg
