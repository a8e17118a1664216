// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/config.hpp"

#include <algorithm>
#include <initializer_list>
#include <iostream>

#include "base/limits.hpp"
#include "host/process.hpp"
#include "pg/address.hpp"
#include "query/table_name.hpp"
#include "wal/source.hpp"

namespace bemi::host {

void drop_empty_words(Config& config) {
  for (const change::TrackingList& list : change::tracking_lists) {
    std::erase(config.tracking.*list.values, "");
  }
  for (auto* list : {&config.http_trusted_proxies, &config.http_hosts, &config.webhook_ranges,
                     &config.context_keys}) {
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
  const std::string& schema = config.schema;
  bool is_hard = std::ranges::any_of(schema, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\'' || c == '"' || c == '$' ||
           c == '\\' || c == '@';
  });
  // PostgreSQL cuts what is longer, without a word.
  if (config.publication.size() > base::limits::name_bytes_max) {
    return base::fail(base::ErrorKind::usage, "the publication's name is longer than 63 bytes",
                      "choose another one with --publication");
  }
  bool is_slot = config.slot.size() <= base::limits::name_bytes_max &&
                 std::ranges::all_of(config.slot, [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                 });
  if (!is_slot) {
    return base::fail(base::ErrorKind::usage,
                      "the slot's name has other characters than a-z, 0-9 and _, or more than 63",
                      "choose another one with --slot");
  }
  if (!schema.empty() && schema.size() <= base::limits::name_bytes_max && !is_hard) return {};
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
  TRY_ASSIGN(settings.selection, change::Selection::parse(config.tracking));
  settings.identity = config.tracking.replica_identity == "keep" ? setup::IdentityPolicy::keep
                                                                 : setup::IdentityPolicy::full;
  settings.destination.schema = config.schema;
  TRY_ASSIGN(settings.destination.partition_by, store::parse_partition_by(config.partition));
  settings.event_trigger = !config.no_event_trigger;
  return settings;
}

base::Result<std::vector<change::ContextKey>> context_keys(const Config& config) {
  std::vector<change::ContextKey> keys;
  for (const std::string& text : config.context_keys) {
    TRY_ASSIGN(auto key, change::parse_context_key(text));
    keys.push_back(std::move(key));
  }
  return keys;
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
  for (const std::string& text : config.tracking.retention) {
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

}  // namespace bemi::host
