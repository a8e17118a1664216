// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/options.hpp"

#include <CLI/CLI.hpp>

#include "base/number.hpp"

namespace bemi::cli {

void add_connection_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Connections", "libpq URLs or keywords");
  group->add_option("--source", config.source_url, "The database to track")
      ->envname("BEMI_SOURCE_URL")
      ->type_name("URL");
  group
      ->add_option("--destination", config.destination_url,
                   "The database that holds the history [default: the source]")
      ->envname("BEMI_DESTINATION_URL")
      ->type_name("URL");
  group
      ->add_option(
          "--admin", config.admin_url,
          "The source, as a role that owns the tables; used by init, check and teardown only")
      ->envname("BEMI_ADMIN_URL")
      ->type_name("URL");
  group
      ->add_option("--name", config.source_name,
                   "The source's stable name in the history [default: its database's name]")
      ->envname("BEMI_SOURCE_NAME")
      ->type_name("NAME");
  group->add_option("--slot", config.slot, "The replication slot's name [default: bemi_<name>]")
      ->envname("BEMI_SLOT")
      ->type_name("NAME");
  group
      ->add_option("--publication", config.publication,
                   "The publication's name [default: bemi_<name>]")
      ->envname("BEMI_PUBLICATION")
      ->type_name("NAME");
}

void add_selection_options(CLI::App& command, host::Config& config) {
  command.add_option("--include", config.tracking.include, "Track only these tables")
      ->envname("BEMI_INCLUDE")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE");
  command.add_option("--exclude", config.tracking.exclude, "Never track these tables")
      ->envname("BEMI_EXCLUDE")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE");
  command
      .add_option("--ignore-column", config.tracking.ignore_columns,
                  "Do not record an update that changes only these columns")
      ->envname("BEMI_IGNORE_COLUMN")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE.COLUMN");
  command
      .add_option("--redact-column", config.tracking.redact_columns,
                  "Never store these columns' values")
      ->envname("BEMI_REDACT_COLUMN")
      ->delimiter(',')
      ->type_name("SCHEMA.TABLE.COLUMN");
}

CLI::Validator whole_number() {
  return {[](const std::string& text) {
            auto number = base::parse_number<std::int64_t>(text);
            return number && *number >= 0 ? std::string() : "'" + text + "' is no whole number";
          },
          ""};
}

void add_format_option(CLI::App& command, std::string& format) {
  command
      .add_option("--format", format,
                  "The output: table for people, json for one object a line, or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();
}

void add_layout_options(CLI::App& command, host::Config& config) {
  command
      .add_option("--schema", config.schema, "The schema of the table changes in the destination")
      ->envname("BEMI_SCHEMA")
      ->type_name("NAME")
      ->capture_default_str();
  command
      .add_option("--partition", config.partition, "The span of one partition of the table changes")
      ->envname("BEMI_PARTITION")
      ->check(CLI::IsMember({"day", "week", "month"}))
      ->capture_default_str();
}

void add_tracking_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Tracking", "patterns may contain * and ?");
  add_selection_options(*group, config);
  group
      ->add_option("--replica-identity", config.tracking.replica_identity,
                   "full: changes show the whole row before; keep: leave the tables' replica "
                   "identity as it is")
      ->envname("BEMI_REPLICA_IDENTITY")
      ->check(CLI::IsMember({"full", "keep"}))
      ->capture_default_str();
  group
      ->add_flag("--no-event-trigger", config.no_event_trigger,
                 "Install no event trigger; find new tables by polling")
      ->envname("BEMI_NO_EVENT_TRIGGER");
  add_layout_options(*group, config);
}

void add_snapshot_option(CLI::App& command, host::Config& config) {
  command
      .add_option("--snapshot", config.tracking.snapshot,
                  "Whether to store the rows that the tables already have: initial: yes; none: "
                  "no; auto: up to the --snapshot-limit of bemi run")
      ->envname("BEMI_SNAPSHOT")
      ->check(CLI::IsMember({"auto", "initial", "none"}))
      ->capture_default_str();
}

void add_worker_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Worker", "");
  add_snapshot_option(*group, config);
  group
      ->add_option("--snapshot-limit", config.worker.snapshot_bytes_max,
                   "The total table size up to which --snapshot auto takes a baseline, with a unit")
      ->envname("BEMI_SNAPSHOT_LIMIT")
      ->transform(CLI::AsSizeValue(/*kb_is_1000=*/true))
      ->default_str("10GB")
      ->type_name("SIZE");
  group
      ->add_option("--heartbeat-interval", config.worker.heartbeat_interval_s,
                   "The seconds between heartbeats, which keep an idle slot moving; also the "
                   "longest interval between checks for new tables")
      ->envname("BEMI_HEARTBEAT_INTERVAL")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str()
      ->type_name("SECONDS");
  group
      ->add_option("--store-connections", config.worker.store_connections,
                   "The number of connections that store in parallel when changes pile up "
                   "[default: 2; 1 if the history is in the source's database]")
      ->envname("BEMI_STORE_CONNECTIONS")
      ->check(CLI::Range(1, 16))
      ->type_name("N");
  group
      ->add_option("--spool-directory", config.worker.spool_directory,
                   "The directory for transactions that are too large for memory")
      ->envname("BEMI_SPOOL_DIRECTORY")
      ->type_name("DIRECTORY")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  group
      ->add_option("--context-key", config.context_keys,
                   "A key that an application signs its contexts with; the secret is base64, the "
                   "times are in UTC. Best given by the environment or bemi.toml, which others "
                   "cannot read")
      ->envname("BEMI_CONTEXT_KEY")
      ->delimiter(',')
      ->type_name("ID:SECRET[:FROM/UNTIL]");
  // Between a supervisor and its worker: no option for people.
  group->add_option("--status-fd", config.worker.status_fd)->check(CLI::Range(3, 1023))->group("");
}

void add_retention_option(CLI::App& command, host::Config& config) {
  command
      .add_option("--retention", config.tracking.retention,
                  "How long to keep changes: 90d, or todo=30d for one table; each row's last "
                  "version is always kept [default: for ever]")
      ->envname("BEMI_RETENTION")
      ->delimiter(',')
      ->type_name("[TABLE=]TIME");
}

void add_maintainer_option(CLI::App& command, host::Config& config) {
  command
      .add_option("--maintain", config.maintain_url,
                  "The destination, as a role that may drop partitions [default: the destination]")
      ->envname("BEMI_MAINTAIN_URL")
      ->type_name("URL");
}

void add_maintenance_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Retention", "");
  add_maintainer_option(*group, config);
  add_retention_option(*group, config);
  group
      ->add_option("--archive", config.archive_directory,
                   "Write each closed partition to this directory as a compressed file")
      ->envname("BEMI_ARCHIVE")
      ->check(CLI::ExistingDirectory)
      ->type_name("DIRECTORY");
}

void add_log_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Log", "");
  group
      ->add_option("--log-format", config.log_format, "text for people, json for one object a line")
      ->envname("BEMI_LOG_FORMAT")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  group->add_flag("--verbose", config.verbose, "Log details, too")->envname("BEMI_VERBOSE");
}

void add_destination_wish(CLI::App& command, bool& wished) {
  for (CLI::App* group : command.get_subcommands([](CLI::App*) { return true; })) {
    CLI::Option* destination = group->get_option_no_throw("--destination");
    if (destination == nullptr) continue;
    destination->expected(0, 1)->description("Drop the history, too; a URL names the destination");
    // The flag alone is the wish: a variable only says where.
    command.parse_complete_callback([destination, &wished] { wished = destination->count() > 0; });
  }
}

void add_http_options(CLI::App& command, host::Config& config) {
  auto* group = command.add_option_group("Dashboard", "");
  group
      ->add_option("--http", config.http,
                   "Serve the dashboard, the API and the metrics on this address")
      ->envname("BEMI_HTTP")
      ->type_name("ADDRESS:PORT");
  group
      ->add_option("--http-token", config.http_token,
                   "The token that signs in [default: made at the first start, stored as a hash]")
      ->envname("BEMI_HTTP_TOKEN")
      ->type_name("TOKEN");
  group
      ->add_option("--http-user-header", config.http_user_header,
                   "The header in which a trusted proxy names the user who has signed in")
      ->envname("BEMI_HTTP_USER_HEADER")
      ->type_name("NAME");
  group
      ->add_option("--http-trusted-proxy", config.http_trusted_proxies,
                   "The address of a proxy whose user header is trusted")
      ->envname("BEMI_HTTP_TRUSTED_PROXY")
      ->delimiter(',')
      ->type_name("ADDRESS");
  group
      ->add_option("--http-host", config.http_hosts,
                   "A host name, beside the address, under which browsers may ask")
      ->envname("BEMI_HTTP_HOST")
      ->delimiter(',')
      ->type_name("NAME");
  group
      ->add_option("--webhook-allow", config.webhook_ranges,
                   "A range of private addresses to which webhooks may be sent")
      ->envname("BEMI_WEBHOOK_ALLOW")
      ->type_name("RANGE");
  add_revert_url_option(*group, config, revert_url_for_undo);
}

void add_revert_url_option(CLI::App& command, host::Config& config, const char* about) {
  command.add_option("--revert-url", config.revert_url, about)
      ->envname("BEMI_REVERT_URL")
      ->type_name("URL");
}

}  // namespace bemi::cli
