// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/maintenance.hpp"

#include <chrono>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "store/archive.hpp"
#include "store/partitions.hpp"
#include "store/schema.hpp"
#include "store/writer.hpp"

namespace store {
namespace {

using namespace std::chrono_literals;
using Kind = MaintenanceStep::Kind;

constexpr const char* take_lock = "select pg_try_advisory_lock(1650814313, 1)";
constexpr const char* free_locks = "select pg_advisory_unlock_all()";  // sources' too
constexpr auto lock_spell = 2s;
constexpr int thinned_rows = 20'000;  // in one transaction

// The retentions as jsonb: [schema, table, keep], the general one with nulls.
std::string rules_of(const std::vector<Retention>& retention) {
  auto rules = nlohmann::json::array();
  for (const Retention& one : retention) {
    if (one.table.empty()) {
      rules.push_back({nullptr, nullptr, one.keep});
    } else {
      rules.push_back({one.schema, one.table, one.keep});
    }
  }
  return rules.dump();
}

// Windows with what is due; $1: the rules. A window is due when the longest retention is over, and
// only when there is a general one: a table that nobody named is kept for ever else.
constexpr const char* select_windows = R"(
with rule as (
  select r ->> 0 as schema, r ->> 1 as "table", (r ->> 2)::interval as keep from jsonb_array_elements($1::jsonb) r
)
select w.name, (extract(epoch from w.from_time) * 1000000)::bigint, (extract(epoch from w.to_time) * 1000000)::bigint,
       w.closed, w.sealed, w.detaching, w.restored, w.archived,
       coalesce(w.to_time <= now() - (select max(keep) from rule), false)
         and exists (select from rule where "table" is null),
       (select coalesce(jsonb_agg(jsonb_build_array(schema, "table")), '[]') from rule
        where w.to_time <= now() - keep),
       pg_size_pretty(w.bytes)
from _bemi.window w)";

// Rows of the tables whose retention is over ($2: [schema, table], nulls: all others than $3).
constexpr const char* thin_sql = R"(
with over as (select d ->> 0 as schema, d ->> 1 as "table" from jsonb_array_elements($1::jsonb) d),
     named as (select n ->> 0 as schema, n ->> 1 as "table" from jsonb_array_elements($2::jsonb) n
               where n ->> 1 is not null),
     gone as (
  select c.ctid from {0} c
  where exists (select from over where over.schema = c.schema and over."table" = c."table")
     or exists (select from over where over."table" is null)
        and not exists (select from named where named.schema = c.schema and named."table" = c."table")
  limit {1}
)
delete from {0} c using gone where c.ctid = gone.ctid)";

struct State {
  Window window;
  bool closed = false;
  bool sealed = false;
  bool detaching = false;
  bool restored = false;
  bool archived = false;
  bool due = false;
  std::string over;  // tables whose retention is over here, as thin_sql takes them
  std::string size;
};

class Maintenance {
 public:
  Maintenance(pg::Connection& destination, std::string schema, const MaintenanceSettings& settings,
              bool dry_run, const MaintenanceReport& report)
      : destination_(&destination),
        schema_(std::move(schema)),
        settings_(&settings),
        rules_(rules_of(settings.retention)),
        dry_run_(dry_run),
        report_(&report) {}

  base::Status run();

 private:
  base::Result<std::vector<State>> windows();
  base::Status make_ahead();
  base::Status end_what_was_cut_short();
  base::Status seal(const State& state);
  base::Status archive(const State& state);
  base::Status thin(const State& state);
  base::Status drop(const State& state);
  base::Status detach_and_drop(const State& state);
  base::Result<bool> is_left_alone(const State& state);
  base::Status checkpoint(const State& state);
  bool tell(Kind kind, const std::string& window, std::string detail) {
    (*report_)({kind, window, std::move(detail)});
    return !dry_run_;
  }
  [[nodiscard]] std::string quoted(const std::string& window) const {
    return pg::quote_name(schema_, window);
  }

  pg::Connection* destination_;
  std::string schema_;
  const MaintenanceSettings* settings_;
  std::string rules_;
  bool dry_run_;
  const MaintenanceReport* report_;
};

base::Result<std::vector<State>> Maintenance::windows() {
  auto rows = destination_->query(select_windows, {rules_});
  if (!rows) return std::unexpected(rows.error().within("retention"));
  std::vector<State> states;
  for (int row = 0; row < rows->count(); ++row) {
    states.push_back(
        {.window = {rows->text(row, 0), {rows->integer(row, 1)}, {rows->integer(row, 2)}},
         .closed = rows->truth(row, 3),
         .sealed = rows->truth(row, 4),
         .detaching = rows->truth(row, 5),
         .restored = rows->truth(row, 6),
         .archived = rows->truth(row, 7),
         .due = rows->truth(row, 8),
         .over = rows->text(row, 9),
         .size = rows->text(row, 10)});
  }
  return states;
}

// The worker makes a window too, when it meets a time without one; ahead, nobody waits for the
// lock.
base::Status Maintenance::make_ahead() {
  TRY_ASSIGN(Partitions partitions, Partitions::load(*destination_, schema_));
  Window now = window_of(base::Timestamp::now(), partitions.partition_by());
  for (base::Timestamp time : {now.from, now.to}) {
    if (partitions.covers(time)) continue;
    std::string window = window_of(time, partitions.partition_by()).name;
    if (tell(Kind::make, window, "ahead of its time")) {
      TRY(partitions.create(*destination_, time));
    }
  }
  return {};
}

base::Status Maintenance::end_what_was_cut_short() {
  TRY_ASSIGN(pg::Rows begun,
             destination_->query("select d.\"window\" from _bemi.dropped_window d "
                                 "where d.dropped_at is null and not exists (select from "
                                 "_bemi.window w where w.name = d.\"window\")",
                                 {}));
  for (int row = 0; row < begun.count(); ++row) {
    std::string window = begun.text(row, 0);
    if (!tell(Kind::drop, window, "was detached already")) continue;
    TRY(destination_->run(
        pg::begin_ddl(lock_spell) + "drop table if exists " + quoted(window) +
        "; update _bemi.dropped_window set dropped_at = now() where \"window\" = " +
        pg::quote_literal(window) + "; commit"));
  }
  return {};
}

// Both times prune from then on: committed_at is not the partition key.
base::Status Maintenance::seal(const State& state) {
  if (!tell(Kind::seal, state.window.name, "nobody writes into it any more")) return {};
  std::string table = quoted(state.window.name);
  TRY_ASSIGN(pg::Rows span,
             destination_->run("select min(committed_at), max(committed_at) from " + table));
  std::string check = span.get(0, 0) ? fmt::format("committed_at >= '{}' and committed_at <= '{}'",
                                                   span.text(0, 0), span.text(0, 1))
                                     : std::string("false");
  auto added = destination_->run(
      pg::begin_ddl(lock_spell) +
      fmt::format("alter table {} add constraint bemi_sealed check ({}) not valid; commit", table,
                  check));
  if (!added) {
    TRY(destination_->run("rollback"));
    return std::unexpected(added.error());
  }
  TRY(destination_->run(fmt::format("alter table {} validate constraint bemi_sealed", table)));
  return {};
}

base::Status Maintenance::archive(const State& state) {
  std::string target = settings_->archive_directory + "/" + state.window.name;
  if (!tell(Kind::archive, state.window.name, "to " + settings_->archive_directory)) return {};
  TRY_ASSIGN(Archive made,
             write_archive(*destination_, schema_, state.window, settings_->archive_directory));
  return {};
}

// What later questions need of the window and those before it: each row as it was at its end.
base::Status Maintenance::checkpoint(const State& state) {
  TRY(destination_->query("select _bemi.checkpoint($1)", {base::format(state.window.to)}));
  return {};
}

base::Status Maintenance::thin(const State& state) {
  std::string sql = fmt::format(fmt::runtime(thin_sql), quoted(state.window.name), thinned_rows);
  bool told = false;
  while (true) {
    TRY(destination_->run("begin"));
    auto gone = destination_->query(sql, {state.over, rules_});
    if (gone && gone->affected() > 0 && !told) {
      told = true;
      if (!tell(Kind::thin, state.window.name, "of tables that are kept less long")) {
        TRY(destination_->run("rollback"));
        return {};
      }
      // Only now is it known that something goes: first what must stay.
      TRY(destination_->run("rollback"));
      TRY(checkpoint(state));
      continue;
    }
    TRY(destination_->run(gone ? "commit" : "rollback"));
    if (!gone) return std::unexpected(gone.error());
    if (gone->affected() == 0) break;
  }
  if (told) TRY(destination_->run("vacuum " + quoted(state.window.name)));
  return {};
}

// A source that lags behind would write into the window that is dropped. Where no worker is storing
// it, none can begin before the drop is done.
base::Result<bool> Maintenance::is_left_alone(const State& state) {
  TRY_ASSIGN(pg::Rows behind,
             destination_->query("select name from _bemi.source where effective_at < $1",
                                 {base::format(state.window.to)}));
  for (int row = 0; row < behind.count(); ++row) {
    std::string source = behind.text(row, 0);
    if (base::Status locked = lock_source(*destination_, source); !locked) {
      tell(Kind::keep, state.window.name, "the source " + source + " is still storing there");
      return false;
    }
  }
  return true;
}

base::Status Maintenance::drop(const State& state) {
  bool archived = state.archived || settings_->archive_directory.empty();
  if (!archived) {
    tell(Kind::keep, state.window.name, "it is not archived yet");
    return {};
  }
  if (!tell(Kind::drop, state.window.name, state.size)) return {};
  TRY_ASSIGN(bool alone, is_left_alone(state));
  if (!alone) return {};
  TRY(checkpoint(state));
  TRY(destination_->query(
      "insert into _bemi.dropped_window (\"window\", from_time, to_time) values "
      "($1, $2, $3) on conflict (\"window\") do update set began_at = now(), "
      "dropped_at = null",
      {state.window.name, base::format(state.window.from), base::format(state.window.to)}));
  return detach_and_drop(state);
}

// DETACH ... CONCURRENTLY waits for who reads, and nobody waits for it.
base::Status Maintenance::detach_and_drop(const State& state) {
  std::string window = quoted(state.window.name);
  TRY(destination_->run(fmt::format("alter table {} detach partition {} {}", changes_name(schema_),
                                    window, state.detaching ? "finalize" : "concurrently")));
  return end_what_was_cut_short();
}

base::Status Maintenance::run() {
  TRY(end_what_was_cut_short());
  TRY(make_ahead());
  TRY_ASSIGN(std::vector<State> states, windows());
  for (const State& state : states) {
    if (state.restored) continue;
    if (state.closed && !state.sealed && !state.due) TRY(seal(state));
    if (state.closed && !state.archived && !settings_->archive_directory.empty()) {
      TRY(archive(state));
    }
    if (state.due) {
      TRY(drop(state));
    } else if (state.closed && state.over != "[]") {
      TRY(thin(state));
    }
  }
  return {};
}

}  // namespace

std::string_view name(MaintenanceStep::Kind kind) {
  switch (kind) {
    case Kind::make: return "make";
    case Kind::seal: return "seal";
    case Kind::archive: return "archive";
    case Kind::thin: return "thin";
    case Kind::drop: return "drop";
    case Kind::keep: return "keep";
  }
  return "";
}

base::Status maintain(pg::Connection& destination, const MaintenanceSettings& settings,
                      bool dry_run, const MaintenanceReport& report) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY_ASSIGN(pg::Rows locked, destination.run(take_lock));
  if (!locked.truth(0, 0)) {
    return base::fail(base::ErrorKind::lock_timeout, "the history is being maintained already",
                      "a worker does it too, once an hour");
  }
  base::Status done = Maintenance(destination, std::move(schema), settings, dry_run, report).run();
  TRY(destination.run(free_locks));
  return done;
}

}  // namespace store
