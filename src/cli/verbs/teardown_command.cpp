// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/printable.hpp"
#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "store/migrate.hpp"
#include "store/progress.hpp"
#include "store/schema.hpp"
#include "store/source_lock.hpp"

namespace bemi::cli {
namespace {

struct TeardownOptions {
  bool yes = false;
  bool destination = false;
  bool dry_run = false;
};

bool agreed(const std::string& question, bool yes) {
  if (yes) return true;
  if (isatty(STDIN_FILENO) == 0) return false;
  std::cout << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

base::Status refused() {
  return base::fail(base::ErrorKind::usage, "nothing was removed",
                    "answer y, or give --yes where nobody can answer");
}

// A worker that waits for its next attempt reads no slot, and would then start again.
base::Status keep_workers_out(pg::Connection& destination, const std::string& source) {
  auto locked = store::lock_source(destination, source);
  if (locked) return {};
  if (locked.error().kind != base::ErrorKind::lock_timeout) {
    return std::unexpected(locked.error());
  }
  return base::fail(base::ErrorKind::conflict,
                    "a worker is storing the source " + source + "; nothing was touched",
                    "stop that bemi run, then run bemi teardown again");
}

void print_teardown(const setup::Teardown& plan, bool dry_run) {
  for (const setup::Step& step : plan.steps) {
    std::cout << (dry_run ? "-- " : "  ") << base::printable(step.what) << "\n";
    if (dry_run) std::cout << step.sql << ";\n";
  }
  for (const std::string& note : plan.notes) {
    std::cout << (dry_run ? "-- " : "  ") << base::printable(note) << "\n";
  }
}

base::Status tear_down_history(pg::Connection& destination, const setup::Settings& settings,
                               const TeardownOptions& options) {
  const char* source_is = "the source is as before; ";
  if (!options.destination) {
    // Without its slot the stored progress has nothing to go on from.
    if (store::history_schema(destination))
      TRY(store::forget_source(destination, settings.source_name));
    std::cout << source_is << "the history stays\n";
    return {};
  }
  host::announce("teardown --destination", destination);
  if (!agreed("Drop the whole history in " + host::place_of(destination) + "?", options.yes))
    return refused();
  TRY(store::drop_history(destination));
  std::cout << source_is << "the history is dropped\n";
  return {};
}

base::Status teardown_command(const host::Config& config, const TeardownOptions& options) {
  TRY_ASSIGN(pg::Connection admin, host::open_source_as_admin(config));
  host::announce("teardown", admin);
  // One that is gone for good must not keep the source from being cleaned.
  auto destination = host::open_destination_as_admin(config);
  if (!destination && options.destination) return std::unexpected(destination.error());
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, admin));
  if (destination) TRY(setup::take_known(*destination, settings));
  if (options.destination) TRY(store::may_drop_history(*destination));
  TRY_ASSIGN(auto plan, setup::plan_teardown(admin, settings));
  print_teardown(plan, options.dry_run);
  if (options.dry_run) return {};
  if (destination && store::history_schema(*destination)) {
    TRY(keep_workers_out(*destination, settings.source_name));
  }
  if (!plan.steps.empty()) {
    if (!agreed("Remove these from " + host::place_of(admin) + "?", options.yes)) return refused();
    TRY(setup::apply(admin, plan.steps, [](const std::string& text) {
      if (text.starts_with("warning")) std::cout << "  " << base::printable(text) << "\n";
    }));
  }
  if (!destination) {
    return std::unexpected(
        destination.error().within("the source is as before, but not the history's note of it"));
  }
  return tear_down_history(*destination, settings, options);
}

}  // namespace

void add_teardown(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<TeardownOptions>();
  CLI::App& command =
      verbs.add(verbs.app(), "teardown", "Remove from the source all that init made there",
                [&config, options] { return teardown_command(config, *options); });
  command.add_flag("--yes", options->yes, "Do not ask for confirmation");
  command.add_flag("--dry-run", options->dry_run, "Print the SQL and run nothing");
  add_connection_options(command, config);
  add_tracking_options(command, config);
  // Here the flag alone is a wish: drop the history too, wherever it is.
  add_destination_wish(command, options->destination);
}

}  // namespace bemi::cli
