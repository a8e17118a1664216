// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>

#include <CLI/CLI.hpp>

#include "base/printable.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "setup/check_record.hpp"

namespace bemi::cli {
namespace {

struct Look {
  const char* mark;
  const char* colour;
};

Look look_of(setup::Severity severity) {
  switch (severity) {
    case setup::Severity::ok: return {"ok     ", "\033[32m"};
    case setup::Severity::info: return {"info   ", "\033[36m"};
    case setup::Severity::warning: return {"warning", "\033[33m"};
    case setup::Severity::error: return {"error  ", "\033[31m"};
  }
  return {"", ""};
}

bool print_findings(const std::string& title, const std::vector<setup::Finding>& findings) {
  bool good = true;
  bool colour = use_colour();
  std::cout << title << "\n";
  for (const setup::Finding& finding : findings) {
    Look look = look_of(finding.severity);
    std::cout << "  " << (colour ? look.colour : "") << look.mark << (colour ? "\033[0m" : "")
              << "  " << base::printable(finding.subject) << ": " << base::printable(finding.what)
              << "\n";
    if (!finding.fix.empty())
      std::cout << "           fix: " << base::printable(finding.fix) << "\n";
    good = good && finding.severity != setup::Severity::error;
  }
  return good;
}

// False when a finding is an error.
base::Result<bool> check_command(const host::Config& config) {
  TRY_ASSIGN(pg::Connection source, host::open_source(config, host::Access::read_only));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, source));
  TRY_ASSIGN(settings.one_database, host::same_database(source, destination));
  TRY(setup::take_known(destination, settings));
  TRY_ASSIGN(auto source_findings, setup::check_source(source, settings));
  TRY_ASSIGN(auto destination_findings, setup::check_destination(destination, settings));
  TRY_ASSIGN(auto record_findings, setup::check_record(destination, settings));
  destination_findings.insert(destination_findings.end(), record_findings.begin(),
                              record_findings.end());
  bool good =
      print_findings("source " + source.database() + " at " + source.host(), source_findings);
  return print_findings("destination " + destination.database() + " at " + destination.host(),
                        destination_findings) &&
         good;
}

}  // namespace

void add_check(Verbs& verbs) {
  host::Config& config = verbs.config();
  CLI::App& command = verbs.add(verbs.app(), "check",
                                "Check whether both ends are ready, and print what would fix them",
                                [&config] { return check_command(config); });
  add_connection_options(command, config);
  add_tracking_options(command, config);
}

}  // namespace bemi::cli
