// SPDX-License-Identifier: LGPL-3.0-or-later
#include "wal/slot.hpp"

#include <chrono>

namespace bemi::wal {
namespace {

using namespace std::chrono_literals;

constexpr const char* select_slot = R"(
select slot_name, coalesce(plugin, ''), coalesce(database, ''), active, coalesce(active_pid, 0),
       coalesce(confirmed_flush_lsn, '0/0')::text, coalesce(restart_lsn, '0/0')::text,
       coalesce(wal_status, 'lost'),
       coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn()
                                     else pg_current_wal_lsn() end, restart_lsn), 0)::bigint,
       safe_wal_size
from pg_replication_slots where slot_name = $1)";

// The holder, and when it was last heard of. Only Bemi's readers are judged by silence; other
// programs may report rarely.
constexpr const char* select_holder = R"(
select s.active_pid, coalesce(r.reply_time::text, ''), coalesce(r.application_name = 'bemi/wal', false)
from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid
where s.slot_name = $1 and s.active)";

constexpr const char* terminate_creator = R"(
select pg_terminate_backend(a.pid)
from pg_replication_slots s join pg_stat_activity a on a.pid = s.active_pid
where s.slot_name = $1 and a.application_name = 'bemi/slot')";

// Several times what a worker that is alive lets pass between two words.
constexpr auto silence_max = 6s;
constexpr auto look_interval = 50ms;

base::Error held(const std::string& name, const std::string& pid) {
  return {base::ErrorKind::serialization,
          "the slot " + name + " is in use by the server process " + pid,
          "another worker reads it; this one takes over when that ends",
          {},
          {}};
}

}  // namespace

std::string foreign_slot(const Slot& slot, const std::string& database) {
  if (slot.database.empty()) return "the slot " + slot.name + " is a physical one, of a standby";
  if (slot.database != database) {
    return "the slot " + slot.name + " belongs to the database " + slot.database;
  }
  if (slot.plugin == "pgoutput") return "";
  return "the slot " + slot.name + " is another program's (output plugin " + slot.plugin + ")";
}

base::Status release_slot(pg::Connection& source, const std::string& name) {
  std::string pid;
  std::string last_word;
  auto began = std::chrono::steady_clock::now();
  while (true) {
    TRY_ASSIGN(pg::Rows holder, source.query(select_holder, {name}));
    if (holder.empty()) return {};
    bool first = pid.empty();
    bool spoke = !first && (holder.text(0, 0) != pid || holder.text(0, 1) != last_word);
    pid = holder.text(0, 0);
    last_word = holder.text(0, 1);
    if (!holder.truth(0, 2) || spoke) return std::unexpected(held(name, pid));
    if (std::chrono::steady_clock::now() - began > silence_max) break;
    base::pause(source.interrupt(), look_interval);
    if (source.interrupt() != nullptr && source.interrupt()->triggered()) return {};
  }
  TRY(source.query("select pg_terminate_backend($1)", {pid}));
  base::pause(source.interrupt(), look_interval);
  return {};
}

base::Status end_creation(pg::Connection& source, const std::string& name) {
  TRY(source.query(terminate_creator, {name}));
  base::pause(source.interrupt(), look_interval);
  return {};
}

base::Result<std::optional<Slot>> find_slot(pg::Connection& source, const std::string& name) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_slot, {name}));
  if (rows.empty()) return std::nullopt;
  Slot slot{.name = rows.text(0, 0),
            .plugin = rows.text(0, 1),
            .database = rows.text(0, 2),
            .active = rows.truth(0, 3),
            .active_pid = static_cast<int>(rows.integer(0, 4)),
            .confirmed_flush = change::parse_lsn(rows.text(0, 5)).value_or(change::Lsn{}),
            .restart = change::parse_lsn(rows.text(0, 6)).value_or(change::Lsn{}),
            .wal_status = rows.text(0, 7),
            .retained_bytes = rows.integer(0, 8),
            .safe_wal_bytes = {}};
  if (rows.get(0, 9)) slot.safe_wal_bytes = rows.integer(0, 9);
  return slot;
}

base::Result<NewSlot> create_slot(pg::Connection& replication, const std::string& name,
                                  SlotKind kind) {
  std::string command = "CREATE_REPLICATION_SLOT " + pg::quote_identifier(name) +
                        (kind == SlotKind::temporary ? " TEMPORARY" : "") + " LOGICAL pgoutput ";
  bool may_move = kind == SlotKind::lasting && replication.server_version() >= 170000;
  if (may_move) {
    // A standby's own slot cannot.
    TRY_ASSIGN(pg::Rows recovery, replication.run("select pg_is_in_recovery()"));
    may_move = !recovery.truth(0, 0);
  }
  auto made = replication.run(
      command + (may_move ? "(SNAPSHOT 'export', FAILOVER true)" : "EXPORT_SNAPSHOT"));
  if (!made) {
    base::Error error = made.error().within("cannot make the slot " + name);
    if (error.sqlstate == "53400") {
      error.kind = base::ErrorKind::unsupported;
      error.hint = "raise max_replication_slots, or drop an unused slot";
    } else if (error.sqlstate == "55000") {
      error.kind = base::ErrorKind::unsupported;
      error.hint = "set wal_level = logical in postgresql.conf and restart the server";
    } else if (error.sqlstate == "42501") {
      error.hint = "an administrator runs: ALTER ROLE <worker> REPLICATION";
    }
    return std::unexpected(std::move(error));
  }
  auto point = change::parse_lsn(made->text(0, 1));
  if (!point) return base::fail(base::ErrorKind::internal, "the new slot has no consistent point");
  return NewSlot{*point, made->text(0, 2)};
}

base::Status drop_slot(pg::Connection& source, const std::string& name) {
  TRY_ASSIGN(std::optional<Slot> slot, find_slot(source, name));
  if (!slot) return {};
  if (slot->active) {
    return base::fail(
        base::ErrorKind::conflict, "the slot " + name + " is in use",
        "stop the worker that reads it (server process " + std::to_string(slot->active_pid) + ")");
  }
  TRY(source.query("select pg_drop_replication_slot($1)", {name}));
  return {};
}

}  // namespace bemi::wal
