// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Looks whether the destination is ready, and who may do what with the history.
#include <fmt/format.h>

#include "setup/setup.hpp"
#include "store/schema.hpp"

namespace setup {

using Findings = std::vector<Finding>;

base::Result<std::vector<Finding>> check_destination(pg::Connection& destination,
                                                     const Settings& settings) {
  Findings findings;
  auto pending = store::pending_migrations(destination, settings.destination);
  if (!pending) {
    findings.push_back({Severity::error, "schema", pending.error().message, pending.error().hint});
    return findings;
  }
  if (pending->empty()) {
    std::string changes = store::changes_name(settings.destination.schema);
    TRY_ASSIGN(pg::Rows may,
               destination.query("select has_table_privilege($1, 'insert')", {changes}));
    findings.push_back({may.truth(0, 0) ? Severity::ok : Severity::error, "history",
                        may.truth(0, 0) ? "ready" : "may not be written by " + destination.user(),
                        may.truth(0, 0) ? "" : "bemi init, with BEMI_ADMIN_URL"});
    return findings;
  }
  TRY_ASSIGN(pg::Rows may,
             destination.run("select has_database_privilege(current_database(), 'create')"));
  bool can = may.truth(0, 0);
  findings.push_back({can ? Severity::info : Severity::error, "history",
                      can ? "not there yet: bemi run makes it"
                          : "not there, and " + destination.user() + " may not make it",
                      can ? ""
                          : fmt::format("grant create on database {} to {}",
                                        pg::quote_identifier(destination.database()),
                                        pg::quote_identifier(destination.user()))});
  return findings;
}

}  // namespace setup
