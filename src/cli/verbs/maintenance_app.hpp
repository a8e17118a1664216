// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi maintain, bemi archive.
#pragma once

#include <string>

#include "base/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/verbs/revert_options.hpp"
#include "host/config.hpp"

namespace bemi::cli {

struct MaintenanceProgram {
  bool dry_run = false;
  std::string file;
  std::string window;
  bool takes_unrecorded = false;  // a file that the history has no digest of
  std::string format = "table";
};

// Registers all of them. `report` says an error and gives the exit code.
void add_maintenance_commands(CLI::App& app, host::Config& config, MaintenanceProgram& program,
                              const AddCommand& add, int (*report)(const base::Error&));

base::Status maintain_command(const host::Config& config, bool dry_run);
// False when a file is not what was written.
base::Result<bool> list_archives_command(const host::Config& config, const std::string& format);
base::Status restore_archive_command(const host::Config& config, const std::string& file,
                                     bool takes_unrecorded);
base::Status drop_restored_command(const host::Config& config, const std::string& window);

}  // namespace bemi::cli
