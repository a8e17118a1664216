// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include <iostream>

#include "base/printable.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "store/migrate.hpp"
#include "store/progress.hpp"
#include "store/schema.hpp"

namespace cli {
namespace {

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

}  // namespace

base::Status teardown_command(const Config& config, const TeardownOptions& options) {
  TRY_ASSIGN(pg::Connection admin, open_source_as_admin(config));
  announce("teardown", admin);
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, admin));
  TRY_ASSIGN(auto steps, setup::plan_teardown(admin, settings));
  for (const setup::Step& step : steps) {
    std::cout << (options.dry_run ? "-- " : "  ") << base::printable(step.what) << "\n";
    if (options.dry_run) std::cout << step.sql << ";\n";
  }
  if (options.dry_run) return {};
  if (!steps.empty()) {
    if (!agreed("Remove these from " + place_of(admin) + "?", options.yes)) return refused();
    TRY(setup::apply(admin, steps, [](const std::string&) {}));
  }
  TRY_ASSIGN(pg::Connection destination, open_destination_as_admin(config));
  if (!options.destination) {
    // Without its slot the stored progress has nothing to go on from.
    if (store::history_schema(destination))
      TRY(store::forget_source(destination, settings.source_name));
    std::cout << "the source is as before; the history stays\n";
    return {};
  }
  announce("teardown --destination", destination);
  if (!agreed("Drop the whole history in " + place_of(destination) + "?", options.yes))
    return refused();
  TRY(store::drop_history(destination));
  std::cout << "the source is as before; the history is dropped\n";
  return {};
}

}  // namespace cli
