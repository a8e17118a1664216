// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/maintenance.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "pg/named_lock.hpp"
#include "store/archive.hpp"
#include "store/packing.hpp"
#include "store/partitions.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"
#include "store/sql.hpp"
#include "store/window_duty.hpp"

namespace bemi::store {
namespace {

using namespace std::chrono_literals;
using Kind = MaintenanceStep::Kind;

// Only the owner may hold it.
pg::LockName maintenance_lock() {
  return {"bemi maintains the history", pg::may_update("_bemi.destination")};
}

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

constexpr const char* thin_sql = R"(
with gone as (
  select c.ctid from {0} c join _bemi.tables_over($1::jsonb, $2) o on (o.schema, o."table") = (c.schema, c."table")
  limit {1}
)
delete from {0} c using gone where c.ctid = gone.ctid)";

constexpr const char* count_thinned = R"(
select exists (select from {0} c join _bemi.tables_over($1::jsonb, $2) o
               on (o.schema, o."table") = (c.schema, c."table")))";

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
  base::Status make_ahead();

 private:
  base::Result<std::vector<WindowState>> windows();
  base::Status fulfil(Kind kind, const WindowState& state);
  base::Status make(Partitions& partitions, base::Timestamp time, const char* why);
  base::Status make_for_checkpoint(base::Timestamp at);
  base::Status in_short_spell(const std::string& sql);
  base::Status end_what_was_cut_short();
  base::Status seal(const WindowState& state);
  base::Status list(const WindowState& state);
  base::Status checkpoint(const WindowState& state);
  base::Status archive(const WindowState& state);
  base::Status pack(const WindowState& state);
  base::Status thin(const WindowState& state);
  base::Status drop(const WindowState& state);
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
  std::optional<LooseIndexes> loose_;  // since the first was asked for
};

base::Result<std::vector<WindowState>> Maintenance::windows() {
  auto rows = destination_->query(sql::list_windows, {rules_});
  if (!rows) return std::unexpected(rows.error().within("retention"));
  std::vector<WindowState> states;
  for (int row = 0; row < rows->count(); ++row) {
    states.push_back(
        {.window = {rows->text(row, 0), {rows->integer(row, 1)}, {rows->integer(row, 2)}},
         .closed = rows->truth(row, 3),
         .sealed = rows->truth(row, 4),
         .listed = rows->truth(row, 5),
         .detaching = rows->truth(row, 6),
         .restored = rows->truth(row, 7),
         .archived = rows->truth(row, 8),
         .due = rows->truth(row, 9),
         .thins = rows->truth(row, 10),
         .size = rows->text(row, 11)});
  }
  return states;
}

// The worker makes a window too, when it meets a time without one; ahead, nobody waits for the
// lock.
base::Status Maintenance::make_ahead() {
  TRY_ASSIGN(Partitions partitions, Partitions::load(*destination_, schema_));
  base::Timestamp now = base::Timestamp::now();
  TRY(make(partitions, now, "for now"));
  return make(partitions, window_of(now, partitions.partition_by()).to, "ahead of its time");
}

base::Status Maintenance::make(Partitions& partitions, base::Timestamp time, const char* why) {
  if (partitions.covers(time)) return {};
  if (!tell(Kind::make, window_of(time, partitions.partition_by()).name, why)) return {};
  return partitions.create(*destination_, time);
}

// The rows of a checkpoint stand at the moment that it is of: in a window that may be sealed
// already, before all that it has. The next round seals it anew.
base::Status Maintenance::make_for_checkpoint(base::Timestamp at) {
  TRY_ASSIGN(Partitions partitions, Partitions::load(*destination_, schema_));
  TRY(make(partitions, at, "for a checkpoint"));
  TRY_ASSIGN(pg::Rows sealed,
             destination_->query("select w.name from _bemi.window w where w.sealed "
                                 "and w.from_time <= $1 and $1 < w.to_time",
                                 {base::format(at)}));
  for (int row = 0; row < sealed.count(); ++row) {
    TRY(in_short_spell(
        fmt::format("alter table {} drop constraint bemi_sealed", quoted(sealed.text(row, 0)))));
  }
  return {};
}

// DDL that others do not queue behind.
base::Status Maintenance::in_short_spell(const std::string& sql) {
  auto done = destination_->run(pg::begin_ddl(lock_spell) + sql + "; commit");
  if (done) return {};
  TRY(destination_->run("rollback"));
  return std::unexpected(done.error());
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
        "; select _bemi.forget_keys(" + pg::quote_literal(window) +
        "); update _bemi.dropped_window set dropped_at = now() where \"window\" = " +
        pg::quote_literal(window) + "; commit"));
  }
  return {};
}

// Both times prune from then on: committed_at is not the partition key.
base::Status Maintenance::seal(const WindowState& state) {
  if (!tell(Kind::seal, state.window.name, "no more writes are expected")) return {};
  std::string table = quoted(state.window.name);
  TRY_ASSIGN(pg::Rows span,
             destination_->run("select min(committed_at), max(committed_at) from " + table));
  std::string check = span.get(0, 0) ? fmt::format("committed_at >= '{}' and committed_at <= '{}'",
                                                   span.text(0, 0), span.text(0, 1))
                                     : std::string("false");
  TRY(in_short_spell(
      fmt::format("alter table {} add constraint bemi_sealed check ({}) not valid", table, check)));
  TRY(destination_->run(fmt::format("alter table {} validate constraint bemi_sealed", table)));
  return {};
}

// Questions about one record then leave out the windows that have none of its changes.
base::Status Maintenance::list(const WindowState& state) {
  if (!tell(Kind::list, state.window.name, "its keys")) return {};
  return in_short_spell("select _bemi.list_keys(" + pg::quote_literal(state.window.name) + ")");
}

// Later questions then begin there, where little else has to be read.
base::Status Maintenance::checkpoint(const WindowState& state) {
  std::string at = base::format(state.window.to);
  TRY_ASSIGN(pg::Rows tables,
             destination_->query("select _bemi.tables_worth_checkpoint($1)", {at}));
  if (tables.text(0, 0).empty()) return {};
  if (!tell(Kind::checkpoint, state.window.name, "at its end, of " + tables.text(0, 0))) return {};
  TRY(make_for_checkpoint(state.window.to));
  TRY(destination_->query("select _bemi.checkpoint($1, where_worthwhile => true)", {at}));
  return {};
}

base::Status Maintenance::archive(const WindowState& state) {
  if (!tell(Kind::archive, state.window.name, "to " + settings_->archive_directory)) return {};
  TRY_ASSIGN(Archive made,
             write_archive(*destination_, schema_, state.window, settings_->archive_directory));
  return {};
}

base::Status Maintenance::pack(const WindowState& state) {
  if (!loose_) {
    TRY_ASSIGN(loose_, loose_indexes(*destination_, schema_));
  }
  auto found = loose_->find(state.window.name);
  if (found == loose_->end()) return {};
  const std::vector<LooseIndex>& indexes = found->second;
  std::int64_t bytes = 0;
  for (const LooseIndex& index : indexes) bytes += index.bytes;
  if (!tell(Kind::pack, state.window.name,
            fmt::format("indexes of {:.1f} MB", static_cast<double>(bytes) / 1e6))) {
    return {};
  }
  return store::pack(*destination_, schema_, state.window.name, indexes);
}

// First nobody asks for them any more, then they go.
base::Status Maintenance::thin(const WindowState& state) {
  std::string table = quoted(state.window.name);
  std::string until = base::format(state.window.to);
  TRY_ASSIGN(pg::Rows any,
             destination_->query(fmt::format(fmt::runtime(count_thinned), table), {rules_, until}));
  if (!any.truth(0, 0)) return {};
  if (!tell(Kind::thin, state.window.name, "of tables that are kept less long")) return {};
  TRY(make_for_checkpoint(state.window.to));
  TRY(destination_->query("select _bemi.forget_tables($1::jsonb, $2)", {rules_, until}));
  std::string sql = fmt::format(fmt::runtime(thin_sql), table, thinned_rows);
  while (true) {
    TRY_ASSIGN(pg::Rows gone, destination_->query(sql, {rules_, until}));
    if (gone.affected() == 0) break;
  }
  TRY(destination_->run("vacuum " + table));
  return {};
}

// First writes what later questions need of this window and of earlier ones. DETACH CONCURRENTLY
// waits for readers, and nobody waits for it.
base::Status Maintenance::drop(const WindowState& state) {
  const std::string& window = state.window.name;
  if (!tell(Kind::drop, window, state.size)) return {};
  if (!state.detaching) {
    TRY(make_for_checkpoint(state.window.to));
    TRY(destination_->query("select _bemi.checkpoint($1, true)", {base::format(state.window.to)}));
    TRY(destination_->query(
        "insert into _bemi.dropped_window (\"window\", from_time, to_time) values "
        "($1, $2, $3) on conflict (\"window\") do update set began_at = now(), dropped_at = null",
        {window, base::format(state.window.from), base::format(state.window.to)}));
  }
  TRY(destination_->run(fmt::format("alter table {} detach partition {} {}", changes_name(schema_),
                                    quoted(window),
                                    state.detaching ? "finalize" : "concurrently")));
  return end_what_was_cut_short();
}

base::Status Maintenance::run() {
  TRY(end_what_was_cut_short());
  TRY(make_ahead());
  TRY_ASSIGN(std::vector<WindowState> states, windows());
  for (const Duty& duty : duties(states, !settings_->archive_directory.empty())) {
    TRY(fulfil(duty.kind, states[duty.window]));
  }
  return {};
}

base::Status Maintenance::fulfil(Kind kind, const WindowState& state) {
  switch (kind) {
    case Kind::seal: return seal(state);
    case Kind::list: return list(state);
    case Kind::checkpoint: return checkpoint(state);
    case Kind::archive: return archive(state);
    case Kind::thin: return thin(state);
    case Kind::pack: return pack(state);
    case Kind::drop: return drop(state);
    case Kind::keep:
      tell(kind, state.window.name, "a source has not gone past it: see _bemi.source");
      return {};
    case Kind::make: return {};
  }
  return {};
}

}  // namespace

std::string_view name(MaintenanceStep::Kind kind) {
  switch (kind) {
    case Kind::make: return "make";
    case Kind::seal: return "seal";
    case Kind::list: return "list";
    case Kind::checkpoint: return "checkpoint";
    case Kind::archive: return "archive";
    case Kind::thin: return "thin";
    case Kind::pack: return "pack";
    case Kind::drop: return "drop";
    case Kind::keep: return "keep";
  }
  return "";
}

base::Status maintain(pg::Connection& destination, const MaintenanceSettings& settings,
                      bool dry_run, const MaintenanceReport& report) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY(become_owner(destination));
  TRY_ASSIGN(bool owns, is_owner(destination));
  if (!owns) {
    TRY(Maintenance(destination, std::move(schema), settings, dry_run, report).make_ahead());
    return base::fail(base::ErrorKind::permission,
                      destination.user() +
                          " does not own the history: partitions are made ahead, "
                          "and nothing else is done",
                      "give the maintainer's URL in BEMI_MAINTAIN_URL");
  }
  TRY_ASSIGN(bool locked, pg::try_lock(destination, maintenance_lock()));
  if (!locked) {
    return base::fail(base::ErrorKind::lock_timeout, "the history is being maintained already",
                      "a worker does it too, once an hour");
  }
  base::Status done = Maintenance(destination, std::move(schema), settings, dry_run, report).run();
  TRY(pg::unlock(destination, maintenance_lock().name));
  return done;
}

}  // namespace bemi::store
