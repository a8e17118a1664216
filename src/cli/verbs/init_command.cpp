// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/printable.hpp"
#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "store/migrate.hpp"
#include "store/progress.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"
#include "store/source_lock.hpp"
#include "worker/baseline.hpp"

namespace bemi::cli {
namespace {

struct InitOptions {
  bool dry_run = false;
  bool accept_gap = false;
};

// Grants for the worker's own role, when another role prepares the destination.
base::Result<std::vector<setup::Step>> destination_grants(pg::Connection& admin,
                                                          const std::string& role) {
  TRY_ASSIGN(auto roles, store::roles_of(admin));
  std::string what = "let " + role + " write the history";
  auto writer = roles.find("writer");
  if (writer == roles.end()) {
    return std::vector<setup::Step>{
        {.what = what,
         .sql = fmt::format("select _bemi.grant_rights('writer', {})", pg::quote_literal(role))}};
  }
  TRY_ASSIGN(pg::Rows is, admin.query("select pg_has_role($1::name, $2::name, 'member')",
                                      {role, writer->second}));
  if (is.truth(0, 0)) return std::vector<setup::Step>{};
  return std::vector<setup::Step>{
      {.what = what,
       .sql = fmt::format("grant {} to {}", pg::quote_identifier(writer->second),
                          pg::quote_identifier(role))}};
}

// Empty when nobody else prepares for it.
base::Result<std::string> worker_role(const host::Config& config) {
  if (config.admin_url.empty()) return std::string{};
  TRY_ASSIGN(pg::Connection worker, host::open_source(config, host::Access::read_only));
  return worker.user();
}

void print_steps(const std::string& title, const std::vector<setup::Step>& steps) {
  std::cout << "-- " << title << (steps.empty() ? ": nothing to do\n" : "\n");
  for (const setup::Step& step : steps)
    std::cout << "-- " << base::printable(step.what) << "\n" << step.sql << ";\n\n";
}

// Under the worker's lock, because a worker must not continue what this starts again.
base::Status accept_gap(pg::Connection& destination, const setup::Settings& settings) {
  const std::string& source = settings.source_name;
  TRY_ASSIGN(auto progress, store::load_progress(destination, source));
  if (!progress) {
    return base::fail(base::ErrorKind::usage, "the source " + source + " has no history here",
                      "there is no gap to accept; check --name and --destination");
  }
  auto locked = store::lock_source(destination, source);
  if (!locked) {
    return base::fail(base::ErrorKind::conflict, "a worker is storing the source " + source,
                      "stop that bemi run, then run this again");
  }
  // Changes until the new slot is made are lost, whether or not somebody had noticed a gap
  // before.
  TRY_ASSIGN(int open, store::open_gaps(destination, source));
  if (open == 0 && progress->state == store::SourceState::streaming) {
    TRY(store::record_gap(destination, {.source = source,
                                        .epoch = progress->epoch,
                                        .reason = "given up by bemi init --accept-gap",
                                        .from = progress->position,
                                        .to = {}}));
  }
  TRY_ASSIGN(int gaps, store::accept_gaps(destination, source));
  progress->state = store::SourceState::creating;
  progress->epoch += 1;
  progress->position = {};
  TRY(store::save_progress(destination, *progress));
  std::cout << "accepted " << gaps << " gap(s) of " << source
            << "; the next bemi run makes a new slot and goes on in epoch " << progress->epoch
            << "\n";
  return {};
}

base::Status print_plan(pg::Connection& admin, pg::Connection& destination,
                        const setup::Settings& settings) {
  TRY_ASSIGN(auto steps, setup::plan_source(admin, settings));
  TRY_ASSIGN(auto migrations, store::pending_migrations(destination, settings.destination));
  print_steps("source " + admin.database(), steps);
  std::cout << "-- slot: made by the worker at its first start: " << settings.slot << "\n\n";
  std::cout << "-- destination " << destination.database()
            << (migrations.empty() ? ": nothing to do\n" : "\n");
  for (const std::string& sql : migrations) std::cout << sql << ";\n\n";
  return {};
}

base::Status init_command(const host::Config& config, const InitOptions& options) {
  TRY_ASSIGN(pg::Connection admin, host::open_source_as_admin(config));
  TRY_ASSIGN(pg::Connection destination, host::open_destination_as_admin(config));
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, admin));
  host::announce(options.accept_gap ? "init --accept-gap" : "init", admin);
  if (destination.database() != admin.database() || destination.host() != admin.host())
    host::announce("init, history", destination);
  TRY_ASSIGN(settings.one_database, host::same_database(admin, destination));
  TRY_ASSIGN(settings.worker_role, worker_role(config));
  TRY(setup::take_known(destination, settings));
  if (options.accept_gap) return accept_gap(destination, settings);
  TRY(setup::look_at_source(admin, settings));
  TRY(setup::look_at_destination(destination));
  if (options.dry_run) return print_plan(admin, destination, settings);

  auto report = [](const std::string& text) { std::cout << "  " << base::printable(text) << "\n"; };
  TRY_ASSIGN(auto steps, setup::plan_source(admin, settings));
  TRY_ASSIGN(auto migrations, store::pending_migrations(destination, settings.destination));
  if (migrations.empty()) TRY(worker::note_missed(admin, destination, settings));
  std::cout << "source " << admin.database() << (steps.empty() ? ": ready\n" : "\n");
  TRY(setup::apply(admin, steps, report));
  TRY_ASSIGN(auto unreadable, setup::unreadable_tables(admin, settings));
  for (const setup::Finding& finding : unreadable) {
    std::cout << "  warning: " << base::printable(finding.subject + " " + finding.what) << "\n";
    if (!finding.fix.empty()) {
      std::cout << "    fix: " << base::printable(finding.fix) << "\n";
    }
  }
  std::cout << "destination " << destination.database()
            << (migrations.empty() ? ": ready\n" : "\n");
  if (!migrations.empty())
    report("make " + store::changes_name(settings.destination.schema) + " and _bemi");
  TRY(store::migrate(destination, settings.destination));
  bool other_role = settings.one_database && !settings.worker_role.empty() &&
                    settings.worker_role != destination.user();
  if (other_role) {
    TRY_ASSIGN(auto grants, destination_grants(destination, settings.worker_role));
    TRY(setup::apply(destination, grants, report));
  }
  std::cout << "ready: start the worker with bemi run\n";
  return {};
}

}  // namespace

void add_init(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<InitOptions>();
  CLI::App& command =
      verbs.add(verbs.app(), "init", "Prepare the source and the destination; safe to repeat",
                [&config, options] { return init_command(config, *options); });
  command.add_flag("--dry-run", options->dry_run, "Print the SQL and run nothing");
  command.add_flag("--accept-gap", options->accept_gap,
                   "Record the gap, then start again with a new slot and a new baseline");
  add_connection_options(command, config);
  add_tracking_options(command, config);
}

}  // namespace bemi::cli
