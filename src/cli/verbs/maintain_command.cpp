// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "store/maintenance.hpp"

namespace bemi::cli {
namespace {

base::Status maintain_command(const host::Config& config, bool dry_run) {
  TRY_ASSIGN(store::MaintenanceSettings settings, host::maintenance_settings(config));
  TRY_ASSIGN(pg::Connection destination, host::open_destination_as_maintainer(config));
  if (!dry_run) host::announce("maintain", destination);
  int steps = 0;
  TRY(store::maintain(destination, settings, dry_run, [&](const store::MaintenanceStep& step) {
    ++steps;
    std::cout << fmt::format("{}{:<8} {:<20} {}\n", dry_run ? "would " : "", store::name(step.kind),
                             step.window, step.detail)
              << std::flush;
  }));
  if (steps == 0) std::cout << "nothing to do\n";
  return {};
}

}  // namespace

void add_maintain(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto dry_run = std::make_shared<bool>(false);
  CLI::App& command =
      verbs.add(verbs.app(), "maintain",
                "Maintain the partitions once: make new ones; seal, archive and drop old ones",
                [&config, dry_run] { return maintain_command(config, *dry_run); });
  command.add_flag("--dry-run", *dry_run, "Print what would be done, and do nothing");
  add_connection_options(command, config);
  add_maintenance_options(command, config);
}

}  // namespace bemi::cli
