// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/config.hpp"

#include <algorithm>
#include <initializer_list>
#include <iostream>

#include <CLI/CLI.hpp>

#include "cli/process.hpp"
#include "pg/address.hpp"
#include "query/table_name.hpp"
#include "wal/source.hpp"

namespace cli {

void add_connection_options(CLI::App& command, Config& config) {
  auto* group = command.add_option_group(
      "Connections", "libpq URLs or keywords; everything libpq understands works");
  group->add_option("--source", config.source_url, "The database to track")
      ->envname("BEMI_SOURCE_URL")
      ->type_name("URL");
  group
      ->add_option("--destination", config.destination_url,
                   "Where the history lives [default: the source]")
      ->envname("BEMI_DESTINATION_URL")
      ->type_name("URL");
  group
      ->add_option("--admin", config.admin_url,
                   "For init, check and teardown only: a role that owns the tables")
      ->envname("BEMI_ADMIN_URL")
      ->type_name("URL");
  group
      ->add_option("--name", config.source_name,
                   "The source's stable name in the history [default: its database's name]")
      ->envname("BEMI_SOURCE_NAME")
      ->type_name("NAME");
  group->add_option("--slot", config.slot, "Replication slot [default: bemi_<name>]")
      ->envname("BEMI_SLOT")
      ->type_name("NAME");
  group->add_option("--publication", config.publication, "Publication [default: bemi_<name>]")
      ->envname("BEMI_PUBLICATION")
      ->type_name("NAME");
}

void add_selection_options(CLI::App& command, Config& config) {
  command.add_option("--include", config.include, "Track only these tables")
      ->envname("BEMI_INCLUDE")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE");
  command.add_option("--exclude", config.exclude, "Never track these tables")
      ->envname("BEMI_EXCLUDE")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE");
  command
      .add_option("--ignore-column", config.ignore_columns,
                  "A change in only these columns is not recorded")
      ->envname("BEMI_IGNORE_COLUMN")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE.COLUMN");
  command.add_option("--redact-column", config.redact_columns, "Never store these columns' values")
      ->envname("BEMI_REDACT_COLUMN")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE.COLUMN");
}

void add_layout_options(CLI::App& command, Config& config) {
  command.add_option("--schema", config.schema, "The destination schema of the table changes")
      ->envname("BEMI_SCHEMA")
      ->capture_default_str();
  command.add_option("--partition", config.partition, "How changes is cut")
      ->envname("BEMI_PARTITION")
      ->check(CLI::IsMember({"day", "week", "month"}))
      ->capture_default_str();
}

void add_tracking_options(CLI::App& command, Config& config) {
  auto* group = command.add_option_group("Tracking", "patterns take * and ?");
  add_selection_options(*group, config);
  group
      ->add_option("--replica-identity", config.replica_identity,
                   "full: every change has its whole row before; keep: leave tables as they are")
      ->envname("BEMI_REPLICA_IDENTITY")
      ->check(CLI::IsMember({"full", "keep"}))
      ->capture_default_str();
  group
      ->add_flag("--no-event-trigger", config.no_event_trigger,
                 "Find new tables by looking, not by an event trigger")
      ->envname("BEMI_NO_EVENT_TRIGGER");
  add_layout_options(*group, config);
}

void add_worker_options(CLI::App& command, Config& config) {
  auto* group = command.add_option_group("Worker", "");
  group
      ->add_option("--snapshot", config.snapshot,
                   "Baseline of the rows that exist: auto takes it below --snapshot-limit")
      ->envname("BEMI_SNAPSHOT")
      ->check(CLI::IsMember({"auto", "initial", "none"}))
      ->capture_default_str();
  group
      ->add_option("--snapshot-limit", config.snapshot_limit,
                   "Size of all tracked tables, with a unit")
      ->envname("BEMI_SNAPSHOT_LIMIT")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->default_str("10GB")
      ->type_name("SIZE");
  group
      ->add_option(
          "--heartbeat-interval", config.heartbeat_interval_s,
          "Seconds between heartbeats that keep an idle slot moving, and at most between looks "
          "for tables that it was not told of")
      ->envname("BEMI_HEARTBEAT_INTERVAL")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str()
      ->type_name("SECONDS");
  group
      ->add_option("--store-connections", config.store_connections,
                   "Connections that store side by side where changes pile up [default: 2, or 1 "
                   "for a history in the source's database]")
      ->envname("BEMI_STORE_CONNECTIONS")
      ->check(CLI::Range(1, 16))
      ->type_name("N");
  group
      ->add_option("--spool-directory", config.spool_directory,
                   "Where transactions too large for memory wait for their commit")
      ->envname("BEMI_SPOOL_DIRECTORY")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
}

void add_retention_option(CLI::App& command, Config& config) {
  command
      .add_option(
          "--retention", config.retention,
          "How long changes are kept: 90d, or one table's: todo=30d; the last version of each "
          "row stays [default: for ever]")
      ->envname("BEMI_RETENTION")
      ->delimiter(',')
      ->type_name("[TABLE=]TIME");
}

void add_maintainer_option(CLI::App& command, Config& config) {
  command
      .add_option("--maintain", config.maintain_url,
                  "The destination as its maintainer, who may drop partitions [default: the "
                  "destination]")
      ->envname("BEMI_MAINTAIN_URL")
      ->type_name("URL");
}

void add_maintenance_options(CLI::App& command, Config& config) {
  auto* group = command.add_option_group("Retention", "");
  add_maintainer_option(*group, config);
  add_retention_option(*group, config);
  group
      ->add_option("--archive", config.archive_directory,
                   "Write each partition there, compressed, once nobody writes into it any more")
      ->envname("BEMI_ARCHIVE")
      ->check(CLI::ExistingDirectory)
      ->type_name("DIRECTORY");
}

void add_log_options(CLI::App& command, Config& config) {
  auto* group = command.add_option_group("Log", "");
  group->add_option("--log-format", config.log_format, "For a person, or JSON lines")
      ->envname("BEMI_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  group->add_flag("--verbose", config.verbose, "Log details too")->envname("BEMI_VERBOSE");
}

void add_destination_wish(CLI::App& command, bool& wished) {
  for (CLI::App* group : command.get_subcommands([](CLI::App*) { return true; })) {
    CLI::Option* destination = group->get_option_no_throw("--destination");
    if (destination == nullptr) continue;
    destination->expected(0, 1)->description("Drop the history too, in the destination (at URL)");
    // The flag alone is the wish: a variable only says where.
    command.parse_complete_callback([destination, &wished] { wished = destination->count() > 0; });
  }
}

void drop_empty_words(Config& config) {
  for (auto* list : {&config.include, &config.exclude, &config.ignore_columns,
                     &config.redact_columns, &config.retention, &config.http_trusted_proxies,
                     &config.http_hosts, &config.webhook_ranges}) {
    std::erase(*list, "");
  }
}

namespace {

// An address with a service has its other parts in the service's file; one with a host and a
// database has no use for a service.
bool names(const pg::Address& address, const std::string& part) {
  if (address.contains("service")) return true;
  bool has_host = address.contains("host") || address.contains("hostaddr");
  if (part == "service") return has_host && address.contains("dbname");
  if (part == "host" || part == "hostaddr") return has_host;
  return address.contains(part);
}

}  // namespace

void warn_of_unused_variables(const Config& config) {
  for (const ForgottenVariable& variable : forgotten_variables()) {
    bool was_wanted = std::ranges::any_of(
        std::initializer_list<const std::string*>{&config.source_url, &config.destination_url,
                                                  &config.admin_url, &config.revert_url,
                                                  &config.maintain_url},
        [&](const std::string* url) {
          auto address = pg::parse_address(*url);
          return !url->empty() && address && !names(*address, variable.part);
        });
    if (!was_wanted) continue;
    std::cerr << "bemi: " << variable.name << " is not used: an address means the same everywhere\n"
              << "hint: write the " << variable.part << " into the address, or unset "
              << variable.name << "\n";
  }
}

// The history's SQL names its schema within literals and function bodies.
base::Status check_config(const Config& config) {
  constexpr std::size_t name_bytes_max = 63;
  const std::string& schema = config.schema;
  bool is_hard = std::ranges::any_of(schema, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\'' || c == '"' || c == '$' ||
           c == '\\' || c == '@';
  });
  if (!schema.empty() && schema.size() <= name_bytes_max && !is_hard) return {};
  return base::fail(base::ErrorKind::usage,
                    "the schema's name is empty, longer than 63 bytes, or has a quote, $, @, a "
                    "backslash or a control character in it",
                    "choose another one with --schema");
}

base::Status require_source(const Config& config) {
  if (!config.source_url.empty()) return {};
  return base::fail(
      base::ErrorKind::usage, "no source database",
      "give --source postgresql://USER@HOST/DATABASE, or set BEMI_SOURCE_URL, or source "
      "in bemi.toml");
}

base::Result<setup::Settings> setup_settings(const Config& config, pg::Connection& source) {
  setup::Settings settings;
  settings.source_name = config.source_name.empty() ? source.database() : config.source_name;
  std::string name = setup::default_slot_name(settings.source_name);
  settings.slot = config.slot.empty() ? name : config.slot;
  settings.publication = config.publication.empty() ? name : config.publication;
  settings.names_slot = !config.slot.empty();
  settings.names_publication = !config.publication.empty();
  TRY_ASSIGN(settings.selection,
             change::Selection::parse({.include = config.include,
                                       .exclude = config.exclude,
                                       .ignore_columns = config.ignore_columns,
                                       .redact_columns = config.redact_columns}));
  settings.identity =
      config.replica_identity == "keep" ? setup::IdentityPolicy::keep : setup::IdentityPolicy::full;
  settings.destination.schema = config.schema;
  TRY_ASSIGN(settings.destination.partition_by, store::parse_partition_by(config.partition));
  settings.event_trigger = !config.no_event_trigger;
  return settings;
}

base::Result<pipeline::SnapshotPolicy> snapshot_policy(const std::string& text) {
  if (text == "auto") return pipeline::SnapshotPolicy::automatic;
  if (text == "initial") return pipeline::SnapshotPolicy::initial;
  if (text == "none") return pipeline::SnapshotPolicy::none;
  return base::fail(base::ErrorKind::usage, "not a snapshot policy: " + text,
                    "use auto, initial or none");
}

base::Result<store::MaintenanceSettings> maintenance_settings(const Config& config) {
  store::MaintenanceSettings settings{.archive_directory = config.archive_directory};
  for (const std::string& text : config.retention) {
    std::size_t equals = text.rfind('=');
    store::Retention& one = settings.retention.emplace_back();
    one.keep = equals == std::string::npos ? text : text.substr(equals + 1);
    if (equals == std::string::npos) continue;
    TRY_ASSIGN(query::TableName table, query::parse_table_name(text.substr(0, equals)));
    one.schema = table.schema.empty() ? "public" : table.schema;
    one.table = table.table;
  }
  return settings;
}

base::Result<bool> same_database(pg::Connection& source, pg::Connection& destination) {
  TRY_ASSIGN(wal::SourceIdentity here, wal::identify(source));
  TRY_ASSIGN(wal::SourceIdentity there, wal::identify(destination));
  return here.system_identifier == there.system_identifier && here.database == there.database;
}

}  // namespace cli
