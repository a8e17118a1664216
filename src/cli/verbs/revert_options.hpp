// SPDX-License-Identifier: LGPL-3.0-or-later
//
// revert, redo and mark: what their flags set.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/verbs/commands.hpp"
#include "host/config.hpp"

namespace bemi::cli {

struct RevertOptions {
  ChangesOptions select;  // its table, key, operation, context, transaction, since, until
  std::vector<std::string> changes;
  std::string trace;
  std::string on_conflict = "fail";
  bool cascade = false;
  bool apply = false;
  std::string digest;
  std::string script_file;
  std::int64_t rows_max = 10'000;
  bool no_triggers = false;
  std::string actor;
  std::string reason;
  int timeout_s = 60;
};

// False when not all was done that was asked for: the exit code is 1.
base::Result<bool> revert_command(const host::Config& config, const RevertOptions& options,
                                  const base::Interrupt& stop);
// Undoes the last revert, or that of --transaction.
base::Result<bool> redo_command(const host::Config& config, RevertOptions options,
                                const base::Interrupt& stop);

struct MarkOptions {
  std::string name;
  std::string comment;
  bool protect = false;
  bool force = false;  // also a protected one
  std::string actor;
  std::string format = "table";
  int timeout_s = 60;
};
base::Status mark_create_command(const host::Config& config, const MarkOptions& options,
                                 const base::Interrupt& stop);
base::Status mark_list_command(const host::Config& config, const MarkOptions& options);
base::Result<bool> mark_rollback_command(const host::Config& config, const MarkOptions& options,
                                         const base::Interrupt& stop);
base::Result<bool> mark_forward_command(const host::Config& config, const MarkOptions& options,
                                        const base::Interrupt& stop);
base::Status mark_delete_command(const host::Config& config, const MarkOptions& options);

// The values of their flags, owned by the dispatcher.
struct RevertProgram {
  RevertOptions revert;
  MarkOptions mark;
};
using AddCommand = std::function<CLI::App*(CLI::App& parent, const char* name,
                                           const char* description, std::function<int()> action)>;
// Registers all of them. `report` says an error and gives the exit code.
void add_revert_commands(CLI::App& app, host::Config& config, RevertProgram& program,
                         const base::Interrupt& stop, const AddCommand& add,
                         int (*report)(const base::Error&));

}  // namespace bemi::cli
