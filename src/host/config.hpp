// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Config: what flags, environment and bemi.toml say, in this order of precedence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "change/context_key.hpp"
#include "change/tracking_options.hpp"
#include "pipeline/settings.hpp"

namespace bemi::host {

struct Config {
  std::string source_url;
  std::string destination_url;  // empty: the source
  std::string admin_url;
  std::string revert_url;
  std::string maintain_url;  // the history's maintainer; empty: the destination's own role
  std::string source_name;   // empty: the source database's name
  std::string slot;
  std::string publication;
  change::TrackingOptions tracking;
  std::string schema = "public";
  std::string partition = "month";
  pipeline::WorkerOptions worker;
  bool no_event_trigger = false;
  std::vector<std::string> context_keys;  // of the applications that sign their contexts
  std::string archive_directory;
  std::string http;              // where the dashboard listens; empty: nowhere
  std::string http_token;        // empty: one is made, and kept in the destination as a hash
  std::string http_user_header;  // in which a trusted proxy names the user
  std::vector<std::string> http_trusted_proxies;
  std::vector<std::string> http_hosts;
  std::vector<std::string> webhook_ranges;  // where webhooks may go beside the public internet
  bool any_http_port = false;               // when that one is taken
  bool shows_http_token = false;            // at each start: it is in a folder of ours
  std::string log_format = "text";
  bool verbose = false;

  [[nodiscard]] const std::string& destination() const {
    return destination_url.empty() ? source_url : destination_url;
  }
};

// An empty word (--exclude '') makes a list empty that a lower place would fill.
void drop_empty_words(Config& config);
// Warns of libpq's variables that name a server: they do not change an address that a person gave.
void warn_of_unused_variables(const Config& config);

// Error of kind usage, of a setting that could not be.
base::Status check_config(const Config& config);
// Error of kind usage when there is no source.
base::Status require_source(const Config& config);

// The settings of setup and the worker; `source` tells the default name.
base::Result<setup::Settings> setup_settings(const Config& config, pg::Connection& source);
base::Result<std::vector<change::ContextKey>> context_keys(const Config& config);
base::Result<pipeline::SnapshotPolicy> snapshot_policy(const std::string& text);
base::Result<store::MaintenanceSettings> maintenance_settings(const Config& config);

// Whether both URLs lead to one database, asked of the servers themselves.
base::Result<bool> same_database(pg::Connection& source, pg::Connection& destination);

}  // namespace bemi::host
