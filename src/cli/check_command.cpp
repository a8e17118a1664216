// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>

#include "base/printable.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "cli/output.hpp"

namespace cli {
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

bool print(const std::string& title, const std::vector<setup::Finding>& findings) {
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

}  // namespace

base::Result<bool> check_command(const Config& config) {
  TRY_ASSIGN(pg::Connection source, open_source(config, Access::read_only));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, source));
  TRY_ASSIGN(settings.one_database, same_database(source, destination));
  TRY(setup::take_known(destination, settings));
  TRY_ASSIGN(auto source_findings, setup::check_source(source, settings));
  TRY_ASSIGN(auto destination_findings, setup::check_destination(destination, settings));
  bool good = print("source " + source.database() + " at " + source.host(), source_findings);
  return print("destination " + destination.database() + " at " + destination.host(),
               destination_findings) &&
         good;
}

}  // namespace cli
