// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi source: the sources that bemi serve runs workers for. Works on the registry in the
// destination; the server sees it within a second.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/source_control.hpp"
#include "host/stop.hpp"
#include "serve/control.hpp"
#include "store/migrate.hpp"

namespace bemi::cli {
namespace {

struct SourceOptions {
  std::string name;
  std::string format = "table";
  bool keep_slot = false;
  std::string own_destination;            // where its history goes instead
  serve::NewDestination new_destination;  // made, where it has an administrator's address
};

// The registry is in the history: it says so of itself where there is none yet.
base::Result<std::unique_ptr<host::SourceControl>> control_of(const host::Config& config,
                                                              const base::Interrupt& stop) {
  if (config.destination_url.empty()) {
    return base::fail(base::ErrorKind::usage, "no destination",
                      "give --destination, or BEMI_DESTINATION_URL: where bemi serve has the "
                      "history");
  }
  TRY_ASSIGN(secret::Box box, host::box_of_environment());
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_write));
  store::DestinationSettings settings;
  settings.schema = config.schema;
  TRY(store::migrate(destination, settings));
  return std::make_unique<host::SourceControl>(config, box, stop);
}

base::Error unknown(const std::string& name) {
  return {base::ErrorKind::usage, "no source " + name + " is managed here", "bemi source list", {}};
}

std::string person() {
  const char* user = std::getenv("USER");
  return user == nullptr ? "command line" : user;
}

base::Status source_add_command(const host::Config& config, const SourceOptions& options,
                                const base::Interrupt& stop) {
  TRY(host::require_source(config));
  TRY_ASSIGN(auto control, control_of(config, stop));
  std::optional<serve::NewDestination> new_destination;
  if (!options.new_destination.admin_url.empty()) new_destination = options.new_destination;
  TRY_ASSIGN(std::string name,
             control->add({.name = options.name.empty() ? config.source_name : options.name,
                           .url = config.source_url,
                           .admin_url = config.admin_url,
                           .revert_url = config.revert_url,
                           .tracking = config.tracking,
                           .destination_url = options.own_destination,
                           .new_destination = new_destination,
                           .created_by = person()}));
  std::cout << name
            << " is added. If bemi serve runs on this destination, it starts a worker now; "
               "otherwise as soon as you start it.\n";
  return {};
}

base::Status source_list_command(const host::Config& config, const SourceOptions& options,
                                 const base::Interrupt& stop) {
  TRY_ASSIGN(auto control, control_of(config, stop));
  TRY_ASSIGN(auto sources, control->registry().all());
  Table table{.headers = {"name", "place", "state", "destination", "created_by", "created_at"}};
  for (const supervise::Source& source : sources) {
    table.rows.push_back({source.name, source.place, source.is_paused ? "paused" : "tracked",
                          source.destination_place.empty() ? "here" : source.destination_place,
                          source.created_by, source.created_at});
  }
  if (options.format == "csv") {
    std::cout << render_csv(table, /*with_header=*/true);
  } else if (options.format == "json") {
    for (const auto& row : table.rows) {
      nlohmann::ordered_json line;
      for (std::size_t i = 0; i < row.size(); ++i) line[table.headers[i]] = row[i].value_or("");
      std::cout << line.dump() << "\n";
    }
  } else {
    std::cout << render_table(table, terminal_width());
  }
  return {};
}

base::Status source_pause_command(const host::Config& config, const SourceOptions& options,
                                  bool is_paused, const base::Interrupt& stop) {
  TRY_ASSIGN(auto control, control_of(config, stop));
  TRY_ASSIGN(bool was_there, control->set_paused(options.name, is_paused));
  if (!was_there) return std::unexpected(unknown(options.name));
  std::cout << options.name << (is_paused ? " is paused; its slot keeps WAL\n" : " goes on\n");
  return {};
}

base::Status source_remove_command(const host::Config& config, const SourceOptions& options,
                                   const base::Interrupt& stop) {
  TRY_ASSIGN(auto control, control_of(config, stop));
  TRY_ASSIGN(bool was_there, control->remove(options.name, options.keep_slot));
  if (!was_there) return std::unexpected(unknown(options.name));
  std::cout << options.name << " is no longer tracked; its history stays\n";
  return {};
}

void add_destination_options(CLI::App& command, SourceOptions& options) {
  auto* group = command.add_option_group("Its history", "in --destination or elsewhere");
  auto* own = group
                  ->add_option("--own-destination", options.own_destination,
                               "The database for this source's history, instead of --destination")
                  ->envname("BEMI_OWN_DESTINATION_URL")
                  ->type_name("URL");
  serve::NewDestination& wanted = options.new_destination;
  auto* admin = group
                    ->add_option("--provision", wanted.admin_url,
                                 "Make a database and a role for the history, as this "
                                 "administrator; the URL is not stored")
                    ->envname("BEMI_PROVISION_URL")
                    ->type_name("URL")
                    ->excludes(own);
  auto* database =
      group->add_option("--provision-database", wanted.database, "The name of the new database")
          ->needs(admin)
          ->type_name("NAME");
  admin->needs(database);
  group
      ->add_option(
          "--provision-role", wanted.role,
          "The name of the new role, which gets a random password [default: the database's name]")
      ->needs(admin)
      ->type_name("NAME");
  group
      ->add_flag("--take-over", wanted.takes_over,
                 "Use an existing database and role; the role gets a new password")
      ->needs(admin);
}

void add_add(Verbs& verbs, CLI::App& source) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<SourceOptions>();
  CLI::App& command = verbs.add(source, "add", "Add a source to be tracked", [&config, options] {
    return source_add_command(config, *options, host::asked_to_stop());
  });
  command.add_option("NAME", options->name,
                     "The source's name in the history [default: its database's name]");
  add_revert_url_option(command, config, revert_url_for_undo);
  add_snapshot_option(command, config);
  add_connection_options(command, config);
  add_tracking_options(command, config);
  add_retention_option(command, config);
  add_destination_options(command, *options);
}

void add_list(Verbs& verbs, CLI::App& source) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<SourceOptions>();
  CLI::App& command = verbs.add(source, "list", "List the managed sources", [&config, options] {
    return source_list_command(config, *options, host::asked_to_stop());
  });
  command
      .add_option("--format", options->format,
                  "The output: table for people, json for one object a line, or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}));
  add_connection_options(command, config);
  add_layout_options(command, config);
}

void add_named_options(CLI::App& command, host::Config& config, SourceOptions& options) {
  command.add_option("NAME", options.name, "The source's name in the history")->required();
  add_connection_options(command, config);
  add_layout_options(command, config);
}

void add_pause(Verbs& verbs, CLI::App& source, const char* name, const char* description,
               bool is_paused) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<SourceOptions>();
  CLI::App& command = verbs.add(source, name, description, [&config, options, is_paused] {
    return source_pause_command(config, *options, is_paused, host::asked_to_stop());
  });
  add_named_options(command, config, *options);
}

void add_remove(Verbs& verbs, CLI::App& source) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<SourceOptions>();
  CLI::App& command =
      verbs.add(source, "remove", "Stop tracking a source and drop its slot; the history stays",
                [&config, options] {
                  return source_remove_command(config, *options, host::asked_to_stop());
                });
  add_named_options(command, config, *options);
  command.add_flag("--keep-slot", options->keep_slot,
                   "Keep the slot and the publication on the source");
}

}  // namespace

void add_source(Verbs& verbs) {
  CLI::App* source =
      verbs.app().add_subcommand("source", "Manage the sources whose workers bemi serve runs");
  source->require_subcommand(1);
  add_add(verbs, *source);
  add_list(verbs, *source);
  add_pause(verbs, *source, "pause", "Stop a source's worker; its slot retains WAL meanwhile",
            true);
  add_pause(verbs, *source, "resume", "Start a source's worker again", false);
  add_remove(verbs, *source);
}

}  // namespace bemi::cli
