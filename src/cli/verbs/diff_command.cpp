// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/options.hpp"
#include "cli/past_options.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/live_side.hpp"
#include "query/diff.hpp"

namespace bemi::cli {
namespace {

struct DiffOptions {
  std::string table;
  std::string from;
  std::string to;
  PastOptions past;
  std::string format = "table";
};

base::Status diff_command(const host::Config& config, const DiffOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  query::Asked asked{.table = table, .key = {}, .moment = {}, .options = past_of(options.past)};
  auto reach = [&](const std::string& source) {
    return host::open_live_side(config, destination, source);
  };
  const auto& source = asked.options.source;
  TRY_ASSIGN(auto from, fixed_moment(destination, options.past.wait, options.from, source));
  TRY_ASSIGN(auto to, fixed_moment(destination, options.past.wait, options.to, source));
  TRY_ASSIGN(pg::Rows rows, ask_waiting(config, options.past.wait, [&] {
               return query::diff(destination, reach, asked, from, to);
             }));
  if (rows.empty() && options.format == "table") {
    std::cerr << "bemi: no row of " << options.table << " differs between the two times\n";
    return {};
  }
  print(rows,
        {{"primary_key"},
         {"operation"},
         {"changes", Form::text, true, true},
         {"before", Form::json, false},
         {"after", Form::json, false}},
        options.format);
  return {};
}

}  // namespace

void add_diff(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<DiffOptions>();
  CLI::App& command = verbs.add(verbs.app(), "diff", "Show the rows that differ between two times",
                                [&config, options] { return diff_command(config, *options); });
  command.add_option("TABLE", options->table, table_about)->required();
  command.add_option("FROM", options->from, time_about)->required();
  command.add_option("TO", options->to, time_about)->required();
  add_past_options(command, config, options->past);
  add_format_option(command, options->format);
  add_selection_options(command, config);
}

}  // namespace bemi::cli
