// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/source_control.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <nlohmann/json.hpp>

#include "host/connections.hpp"
#include "host/sql.hpp"
#include "setup/provision.hpp"
#include "store/progress.hpp"
#include "store/schema.hpp"
#include "wal/application.hpp"

namespace bemi::host {
namespace {

using nlohmann::ordered_json;

// A slot that a worker has just left is free a moment later.
constexpr int take_down_tries = 20;
constexpr std::chrono::milliseconds take_down_pause{250};

const char* secret_key() { return std::getenv("BEMI_SECRET_KEY"); }

std::string_view name(setup::Severity severity) {
  switch (severity) {
    case setup::Severity::ok: return "ok";
    case setup::Severity::info: return "info";
    case setup::Severity::warning: return "warning";
    case setup::Severity::error: return "error";
  }
  return "";
}

ordered_json to_json(const std::vector<setup::Finding>& findings, bool may_prepare) {
  auto list = ordered_json::array();
  for (const setup::Finding& finding : findings) {
    list.push_back({{"severity", name(finding.severity)},
                    {"subject", finding.subject},
                    {"what", finding.what},
                    {"fix", finding.fix},
                    {"prepared", may_prepare && finding.mended_by_init}});
  }
  return list;
}

bool is_good(const std::vector<setup::Finding>& findings, bool may_prepare) {
  return std::ranges::none_of(findings, [&](const setup::Finding& finding) {
    return finding.severity == setup::Severity::error && !(may_prepare && finding.mended_by_init);
  });
}

ordered_json to_json(const std::vector<setup::Step>& steps) {
  auto list = ordered_json::array();
  for (const setup::Step& step : steps) list.push_back({{"what", step.what}, {"sql", step.sql}});
  return list;
}

// Whether the role may make a publication of all these tables.
constexpr const char* select_may_prepare = R"(
select (select rolsuper from pg_roles where rolname = current_user)
  or (has_database_privilege(current_database(), 'create')
      and not exists (
        select from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join json_array_elements($1::json) t
          on t ->> 'schema' = n.nspname and t ->> 'table' = c.relname
        where (t ->> 'tracked')::boolean and not pg_has_role(c.relowner, 'usage'))))";

base::Result<ordered_json> tables_of(pg::Connection& source, const setup::Settings& settings) {
  TRY_ASSIGN(std::string tables_there, wal::application_relations(source, "rp"));
  TRY_ASSIGN(pg::Rows rows, source.query(sql::eligible_tables, {tables_there}));
  auto tables = ordered_json::parse(rows.text(0, 0), nullptr, /*allow_exceptions=*/false);
  for (ordered_json& table : tables) {
    table["tracked"] =
        settings.selection.tracks(table.value("schema", ""), table.value("table", ""));
  }
  return tables;
}

constexpr const char* select_others = R"(
select name from _bemi.source where name not in (select jsonb_array_elements_text($1::jsonb)) limit 1)";

base::Status check_retention(const Config& config, pg::Connection& connection) {
  TRY_ASSIGN(store::MaintenanceSettings settings, maintenance_settings(config));
  for (const store::Retention& one : settings.retention) {
    if (connection.query("select $1::interval", {one.keep})) continue;
    return base::fail(base::ErrorKind::usage, "not a time to keep changes for: " + one.keep,
                      "write 90d, 2 years, or for one table todo=30d");
  }
  return {};
}

base::Status shared_with(const std::string& other) {
  return base::fail(
      base::ErrorKind::conflict,
      "the history of " + other + " is in the same destination, and is not kept for the same time",
      "retention is a destination's: give both the same, or this source a "
      "destination of its own");
}

base::Status is_elsewhere(const supervise::Source& source) {
  return base::fail(base::ErrorKind::conflict,
                    source.name + " is tracked already, into " +
                        (source.destination_place.empty() ? std::string("this server's destination")
                                                          : source.destination_place),
                    "a history stays where it began: take the source away first, or choose "
                    "another name");
}

setup::NewDestination as_setup(const serve::NewDestination& wanted) {
  return {.admin_url = wanted.admin_url,
          .database = wanted.database,
          .role = wanted.role,
          .takes_over = wanted.takes_over};
}

base::Result<pg::Connection> open_admin(const serve::NewDestination& wanted,
                                        const base::Interrupt& stop) {
  auto opened =
      pg::Connection::open({.url = wanted.admin_url, .purpose = "bemi/admin", .interrupt = &stop});
  if (opened) return opened;
  return std::unexpected(opened.error().within("the new destination's server"));
}

}  // namespace

bool has_secret_key() { return secret_key() != nullptr && *secret_key() != '\0'; }

base::Result<secret::Box> box_of_environment() {
  if (!has_secret_key()) return std::unexpected(secret::no_key());
  return secret::Box::of_key(secret_key());
}

SourceControl::SourceControl(Config config, const secret::Box& box, const base::Interrupt& stop)
    : config_(std::move(config)), registry_(config_.destination(), box, stop), stop_(&stop) {}

void SourceControl::supervise() {
  std::error_code failed;
  std::string program = std::filesystem::read_symlink("/proc/self/exe", failed).string();
  supervisor_ = std::make_unique<supervise::Supervisor>(registry_, program);
}

Config SourceControl::config_of(const serve::NewSource& source) const {
  Config config = config_;
  config.destination_url =
      source.destination_url.empty() ? config_.destination() : source.destination_url;
  config.source_url = source.url;
  config.admin_url = source.admin_url;
  config.revert_url = source.revert_url;
  config.source_name = source.name;
  config.slot.clear();
  config.publication.clear();
  config.tracking = source.tracking;
  return config;
}

Config SourceControl::config_of(const supervise::Source& source) const {
  return config_of(serve::NewSource{.name = source.name,
                                    .url = source.url,
                                    .revert_url = source.revert_url,
                                    .tracking = source.tracking,
                                    .destination_url = source.destination_url});
}

base::Result<std::string> SourceControl::list() {
  TRY_ASSIGN(auto sources, registry_.all());
  auto states =
      supervisor_ ? supervisor_->states() : std::map<std::string, supervise::WorkerState>();
  auto list = ordered_json::array();
  for (const supervise::Source& source : sources) {
    supervise::WorkerState worker = states[source.name];
    std::string state = source.is_paused ? "paused" : worker.state;
    ordered_json entry = {
        {"name", source.name},
        {"place", source.place},
        {"paused", source.is_paused},
        {"state", state.empty() ? "starting" : state},
        {"pid", worker.pid},
        {"starts", worker.starts},
        {"last_error", worker.last_error},
        {"lines", worker.lines},
        {"may_undo", !source.revert_url.empty()},
        {"destination", source.destination_place.empty() ? ordered_json(nullptr)
                                                         : ordered_json(source.destination_place)},
        {"created_by", source.created_by},
        {"created_at", source.created_at}};
    entry.update(change::to_json(source.tracking));
    list.push_back(std::move(entry));
  }
  return list.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

base::Result<std::string> SourceControl::check(const serve::NewSource& wanted) {
  Config config = config_of(wanted);
  TRY_ASSIGN(pg::Connection source, open_source(config, Access::read_only));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, source));
  TRY(check_retention(config, source));
  TRY_ASSIGN(auto of_destination, check_destination(config, wanted, settings, source));
  TRY_ASSIGN(auto of_source, setup::check_source(source, settings));
  TRY_ASSIGN(ordered_json tables, tables_of(source, settings));
  TRY_ASSIGN(pg::Connection admin, open_source_as_admin(config));
  TRY_ASSIGN(auto steps, setup::plan_source(admin, settings));
  TRY_ASSIGN(pg::Rows may, admin.query(select_may_prepare, {tables.dump()}));
  bool may_prepare = may.truth(0, 0);
  bool good = is_good(of_source, may_prepare) && is_good(of_destination, may_prepare);
  return ordered_json{{"name", settings.source_name},
                      {"place", place_of(source)},
                      {"good", good},
                      {"source", to_json(of_source, may_prepare)},
                      {"destination", to_json(of_destination, may_prepare)},
                      {"steps", to_json(steps)},
                      {"tables", std::move(tables)}}
      .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

// Checks what the server's administrator may do if the destination is to be created; else checks
// the existing one.
base::Result<std::vector<setup::Finding>> SourceControl::check_destination(
    const Config& config, const serve::NewSource& wanted, setup::Settings& settings,
    pg::Connection& source) {
  if (wanted.new_destination) {
    TRY_ASSIGN(pg::Connection admin, open_admin(*wanted.new_destination, *stop_));
    return setup::check_provision(admin, as_setup(*wanted.new_destination));
  }
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY_ASSIGN(settings.one_database, same_database(source, destination));
  TRY(setup::take_known(destination, settings));
  return setup::check_destination(destination, settings);
}

// The source's part of `bemi init`.
base::Status SourceControl::prepare(const Config& config, bool is_destination_there) {
  TRY_ASSIGN(pg::Connection admin, open_source_as_admin(config));
  TRY_ASSIGN(pg::Connection worker, open_source(config, Access::read_only));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, admin));
  if (is_destination_there) {
    TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
    TRY_ASSIGN(settings.one_database, same_database(admin, destination));
    TRY(setup::take_known(destination, settings));
  }
  TRY(setup::look_at_source(admin, settings));
  settings.worker_role = worker.user();
  TRY_ASSIGN(auto steps, setup::plan_source(admin, settings));
  return setup::apply(admin, steps, [](const std::string&) {});
}

// Retention drops partitions of a destination, including the changes of all sources in them.
base::Status SourceControl::agree_on_retention(pg::Connection& destination,
                                               const supervise::Source& wanted) {
  TRY_ASSIGN(auto managed, registry_.all());
  nlohmann::json known{wanted.name};
  for (const supervise::Source& other : managed) {
    if (other.destination_place != wanted.destination_place || other.name == wanted.name) continue;
    known.push_back(other.name);
    if (other.tracking.retention != wanted.tracking.retention) return shared_with(other.name);
  }
  if (wanted.tracking.retention.empty() || !store::history_schema(destination)) return {};
  TRY_ASSIGN(pg::Rows others, destination.query(select_others, {known.dump()}));
  return others.empty() ? base::Status() : shared_with(others.text(0, 0));
}

// Chooses or creates the destination. A new one is created last, when everything else that may fail
// has succeeded.
base::Status SourceControl::settle_destination(const Config& config, const serve::NewSource& wanted,
                                               supervise::Source& source) {
  TRY_ASSIGN(auto before, registry_.one(source.name));
  if (before && wanted.new_destination) return is_elsewhere(*before);
  if (!wanted.new_destination) {
    TRY_ASSIGN(pg::Connection own, open_destination(config_, Access::read_only));
    TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
    TRY_ASSIGN(bool is_ours, same_database(own, destination));
    source.destination_url = is_ours ? "" : wanted.destination_url;
    source.destination_place = is_ours ? "" : place_of(destination);
    if (before && before->destination_place != source.destination_place) {
      return is_elsewhere(*before);
    }
    TRY(agree_on_retention(destination, source));
  }
  if (!wanted.admin_url.empty()) TRY(prepare(config, !wanted.new_destination));
  if (!wanted.new_destination) return {};
  TRY_ASSIGN(pg::Connection admin, open_admin(*wanted.new_destination, *stop_));
  TRY_ASSIGN(source.destination_url, setup::provision(admin, as_setup(*wanted.new_destination)));
  source.destination_place = wanted.new_destination->database + " at " + admin.host();
  return {};
}

base::Result<std::string> SourceControl::add(const serve::NewSource& wanted) {
  Config config = config_of(wanted);
  supervise::Source source{.url = wanted.url,
                           .revert_url = wanted.revert_url,
                           .tracking = wanted.tracking,
                           .created_by = wanted.created_by};
  {
    TRY_ASSIGN(pg::Connection connection, open_source(config, Access::read_only));
    TRY_ASSIGN(setup::Settings settings, setup_settings(config, connection));
    source.name = settings.source_name;
    source.place = place_of(connection);
    TRY(check_retention(config, connection));
  }
  TRY(supervise::validate(source));
  TRY(settle_destination(config, wanted, source));
  TRY(registry_.set(source));
  return source.name;
}

base::Result<bool> SourceControl::set_paused(const std::string& name, bool is_paused) {
  TRY_ASSIGN(bool was_there, registry_.set_paused(name, is_paused));
  if (was_there && is_paused && supervisor_) supervisor_->end(name);
  return was_there;
}

base::Status SourceControl::take_down(const Config& config) {
  TRY_ASSIGN(pg::Connection admin, open_source_as_admin(config));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_write));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, admin));
  TRY(setup::take_known(destination, settings));
  base::Status done;
  for (int i = 0; i < take_down_tries; ++i) {
    auto plan = setup::plan_teardown(admin, settings);
    done = plan ? setup::apply(admin, plan->steps, [](const std::string&) {})
                : base::Status(std::unexpected(plan.error()));
    if (done) break;
    base::pause(stop_, take_down_pause);
  }
  if (!done) return done;
  return store::forget_source(destination, settings.source_name);
}

base::Result<bool> SourceControl::remove(const std::string& name, bool keep_slot) {
  TRY_ASSIGN(auto source, registry_.one(name));
  if (!source) return false;
  TRY(registry_.set_paused(name, true));
  if (supervisor_) supervisor_->end(name);
  if (!keep_slot) {
    base::Status done = take_down(config_of(*source));
    if (!done) {
      base::Error error = done.error();
      error.hint = "it is paused; the slot keeps its WAL. Mend it and ask again, or keep_slot";
      return std::unexpected(error);
    }
  }
  return registry_.remove(name);
}

}  // namespace bemi::host
