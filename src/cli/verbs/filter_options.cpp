// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/verbs/filter_options.hpp"

#include <CLI/CLI.hpp>

namespace bemi::cli {

void add_filter_options(CLI::App& command, ChangesOptions& options, const std::string& operations) {
  command.add_option("--table", options.table,
                     "The table, as table or schema.table; quoted as in SQL where needed");
  command.add_option("--primary-key", options.primary_key, "The primary key of one record")
      ->type_name("KEY");
  command.add_option("--operation", options.operation, "The operation: " + operations);
  add_context_option(command, options.context);
  command.add_option("--transaction", options.transaction, "The transaction's id at the source")
      ->type_name("ID");
  command.add_option("--since", options.since, "The time from which on to look")->type_name("TIME");
  command.add_option("--until", options.until, "The time before which to look")->type_name("TIME");
}

void add_context_option(CLI::App& command, std::vector<std::string>& context) {
  command.add_option("--context", context, "A value of the context; all that are given must match")
      ->type_name("KEY=VALUE");
}

}  // namespace bemi::cli
