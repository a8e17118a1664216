// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/filter_options.hpp"

#include <CLI/CLI.hpp>

#include "cli/options.hpp"
#include "query/known_names.hpp"

namespace bemi::cli {

void add_filter_options(CLI::App& command, FilterOptions& options, const std::string& operations) {
  command.add_option("--table", options.table, table_about);
  command.add_option("--primary-key", options.primary_key, key_about)->type_name("KEY");
  command.add_option("--operation", options.operation, "The operation: " + operations);
  add_context_option(command, options.context);
  command
      .add_option("--context-verified", options.context_verified,
                  "Whether the context's signature is right: true, false, or null if nobody signed")
      ->check(CLI::IsMember({"true", "false", "null"}))
      ->type_name("VERDICT");
  command.add_option("--transaction", options.transaction, "The transaction's id at the source")
      ->type_name("ID");
  command.add_option("--since", options.since, since_about)->type_name("TIME");
  command.add_option("--until", options.until, until_about)->type_name("TIME");
}

void add_context_option(CLI::App& command, std::vector<std::string>& context) {
  command.add_option("--context", context, "A value of the context; all that are given must match")
      ->type_name("KEY=VALUE");
}

base::Result<query::ChangeFilter> filter_of(const FilterOptions& options) {
  query::ChangeFilter filter;
  if (!options.table.empty()) {
    TRY_ASSIGN(filter.table, query::parse_table_name(options.table));
  }
  filter.primary_key = given(options.primary_key);
  if (!options.operation.empty()) {
    TRY_ASSIGN(filter.operation, query::parse_operation(options.operation));
  }
  filter.context = options.context;
  filter.context_verified = given(options.context_verified);
  if (options.transaction != 0) filter.transaction = options.transaction;
  filter.since = given(options.since);
  filter.until = given(options.until);
  return filter;
}

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace bemi::cli
