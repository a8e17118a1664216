// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi source: the sources that `bemi serve` runs workers for. Works on the registry in the
// destination; the server sees it within a second.
#pragma once

#include <functional>
#include <string>

#include "base/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/verbs/revert_options.hpp"
#include "host/config.hpp"
#include "serve/control.hpp"

namespace bemi::cli {

struct SourceOptions {
  std::string name;
  std::string format = "table";
  bool keep_slot = false;
  std::string own_destination;            // where its history goes instead
  serve::NewDestination new_destination;  // made, where it has an administrator's address
};

base::Status source_add_command(const host::Config& config, const SourceOptions& options,
                                const base::Interrupt& stop);
base::Status source_list_command(const host::Config& config, const SourceOptions& options,
                                 const base::Interrupt& stop);
base::Status source_pause_command(const host::Config& config, const SourceOptions& options,
                                  bool is_paused, const base::Interrupt& stop);
base::Status source_remove_command(const host::Config& config, const SourceOptions& options,
                                   const base::Interrupt& stop);

// Registers all of them. `report` says an error and gives the exit code.
void add_source_commands(CLI::App& app, host::Config& config, SourceOptions& options,
                         const base::Interrupt& stop, const AddCommand& add,
                         int (*report)(const base::Error&));

}  // namespace bemi::cli
