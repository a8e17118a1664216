// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/options.hpp"

#include <CLI/CLI.hpp>

namespace bemi::cli {

void add_connection_options(CLI::App& command, host::Config& config) {
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

void add_selection_options(CLI::App& command, host::Config& config) {
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

void add_layout_options(CLI::App& command, host::Config& config) {
  command.add_option("--schema", config.schema, "The destination schema of the table changes")
      ->envname("BEMI_SCHEMA")
      ->capture_default_str();
  command.add_option("--partition", config.partition, "How changes is cut")
      ->envname("BEMI_PARTITION")
      ->check(CLI::IsMember({"day", "week", "month"}))
      ->capture_default_str();
}

void add_tracking_options(CLI::App& command, host::Config& config) {
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

void add_worker_options(CLI::App& command, host::Config& config) {
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
  // Between a supervisor and its worker: no option for people.
  group->add_option("--status-fd", config.status_fd)->check(CLI::Range(3, 1023))->group("");
}

void add_retention_option(CLI::App& command, host::Config& config) {
  command
      .add_option(
          "--retention", config.retention,
          "How long changes are kept: 90d, or one table's: todo=30d; the last version of each "
          "row stays [default: for ever]")
      ->envname("BEMI_RETENTION")
      ->delimiter(',')
      ->type_name("[TABLE=]TIME");
}

void add_maintainer_option(CLI::App& command, host::Config& config) {
  command
      .add_option("--maintain", config.maintain_url,
                  "The destination as its maintainer, who may drop partitions [default: the "
                  "destination]")
      ->envname("BEMI_MAINTAIN_URL")
      ->type_name("URL");
}

void add_maintenance_options(CLI::App& command, host::Config& config) {
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

void add_log_options(CLI::App& command, host::Config& config) {
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

void add_http_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Dashboard", "");
  group->add_option("--http", config.http, "Serve dashboard, API and metrics here")
      ->envname("BEMI_HTTP")
      ->type_name("ADDRESS:PORT");
  group
      ->add_option("--http-token", config.http_token,
                   "The token to ask for [default: made at the first start and kept as a hash]")
      ->envname("BEMI_HTTP_TOKEN")
      ->type_name("TOKEN");
  group
      ->add_option("--http-user-header", config.http_user_header,
                   "The header by which a proxy says who has signed in with it")
      ->envname("BEMI_HTTP_USER_HEADER")
      ->type_name("NAME");
  group
      ->add_option("--http-trusted-proxy", config.http_trusted_proxies,
                   "The address of a proxy that is believed; may be given again")
      ->envname("BEMI_HTTP_TRUSTED_PROXY")
      ->delimiter(',')
      ->type_name("ADDRESS");
  group
      ->add_option("--http-host", config.http_hosts,
                   "A name that browsers ask for, beside the address; may be given again")
      ->envname("BEMI_HTTP_HOST")
      ->delimiter(',')
      ->type_name("NAME");
  group
      ->add_option("--webhook-allow", config.webhook_ranges,
                   "Addresses within your network that webhooks may go to; may be given again")
      ->envname("BEMI_WEBHOOK_ALLOW")
      ->type_name("RANGE");
  group
      ->add_option("--revert-url", config.revert_url,
                   "The source, for undoing: a role that may write its tables [default: --source]")
      ->envname("BEMI_REVERT_URL")
      ->type_name("URL");
}

}  // namespace bemi::cli
