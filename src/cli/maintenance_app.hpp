// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi maintain, bemi archive.
#pragma once

#include <string>

#include "base/interrupt.hpp"
#include "cli/config.hpp"
#include "cli/revert_options.hpp"

namespace cli {

struct MaintenanceProgram {
  bool dry_run = false;
  std::string file;
  std::string window;
  bool takes_unrecorded = false;  // a file that the history has no digest of
  std::string format = "table";
};

// Registers all of them. `report` says an error and gives the exit code.
void add_maintenance_commands(CLI::App& app, Config& config, MaintenanceProgram& program,
                              const AddCommand& add, int (*report)(const base::Error&));

base::Status maintain_command(const Config& config, bool dry_run);
// False when a file is not what was written.
base::Result<bool> list_archives_command(const Config& config, const std::string& format);
base::Status restore_archive_command(const Config& config, const std::string& file,
                                     bool takes_unrecorded);
base::Status drop_restored_command(const Config& config, const std::string& window);

}  // namespace cli
