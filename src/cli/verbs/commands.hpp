// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The subcommands. Each returns when it is done; an Error becomes "bemi: ..." and an exit code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "base/result.hpp"
#include "cli/wait.hpp"
#include "host/config.hpp"
#include "query/changes.hpp"

namespace bemi::cli {

base::Status run_command(const host::Config& config, const base::Interrupt& stop);

struct ServeOptions {
  bool new_token = false;
};
base::Status serve_command(host::Config config, const ServeOptions& options,
                           const base::Interrupt& stop);

struct InitOptions {
  bool dry_run = false;
  bool accept_gap = false;
};
base::Status init_command(const host::Config& config, const InitOptions& options);

// False when a finding is an error.
base::Result<bool> check_command(const host::Config& config);

base::Status sync_command(const host::Config& config, int timeout_s);

struct StatusOptions {
  bool stages = false;  // which of the worker's stages the others wait for
  std::string format = "table";
};
base::Status status_command(const host::Config& config, const StatusOptions& options);

struct ChangesOptions {
  std::string table;
  std::string primary_key;
  std::string operation;
  std::vector<std::string> context;
  std::int64_t transaction = 0;
  std::string since;
  std::string until;
  std::string source;   // its name in the history
  Wait wait{};          // revert: for since and until
  std::string archive;  // a file to look into instead of the table
  std::int64_t limit = 50;
  std::string before;  // ids of changes: where a page ends or begins
  std::string after;
  bool follow = false;
  std::string format = "table";
};
base::Status changes_command(const host::Config& config, const ChangesOptions& options,
                             const base::Interrupt& stop);

struct PastOptions {
  std::string table;
  std::string key;
  std::string time;    // or where a diff begins
  std::string until;   // where a diff ends
  std::string source;  // its name in the history
  bool partial = false;
  bool allow_stale = false;
  Wait wait{};             // for what the history has not reached
  bool explain = false;    // only tell how the answer would be found
  std::string after;       // a key: where a page begins
  std::int64_t limit = 0;  // 0: all
  std::string format = "table";
};
base::Status history_command(const host::Config& config, const PastOptions& options);
base::Status as_of_command(const host::Config& config, const PastOptions& options);
base::Status diff_command(const host::Config& config, const PastOptions& options);

struct CheckoutOptions {
  PastOptions past;
  std::string into;  // a database's URL, or the name of a schema to be made in the destination
};
base::Status checkout_command(const host::Config& config, const CheckoutOptions& options);

struct TrendsOptions {
  std::string every = "1 hour";
  std::string group_by = "operation";
  std::vector<std::string> context;
  std::string since = "-infinity";
  std::string until = "infinity";
  std::string source;
  std::int64_t limit = 50;
  std::string format = "table";
};
base::Status trends_command(const host::Config& config, const TrendsOptions& options);
base::Status transactions_command(const host::Config& config, const TrendsOptions& options);

struct TeardownOptions {
  bool yes = false;
  bool destination = false;
  bool dry_run = false;
};
base::Status teardown_command(const host::Config& config, const TeardownOptions& options);

struct DevOptions {
  std::string directory = ".bemi";
  std::string postgres_bindir;
  int port = 0;
};
base::Status dev_command(host::Config config, const DevOptions& options,
                         const base::Interrupt& stop);

}  // namespace bemi::cli
