// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/past_options.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"

namespace bemi::cli {
namespace {

constexpr std::int64_t bar_width = 40;

struct TrendsOptions {
  std::string every = "1 hour";
  std::string group_by = "operation";
  SpanOptions span;
};

base::Status trends_command(const host::Config& config, const TrendsOptions& options) {
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(query::Span span, span_of(destination, options.span));
  TRY_ASSIGN(pg::Rows rows, query::trends(destination, options.every, options.group_by, span));
  if (options.span.format != "table") {
    print(rows, {{"starts_at"}, {"group"}, {"changes", Form::number}}, options.span.format);
    return {};
  }
  std::int64_t most = 1;
  for (int row = 0; row < rows.count(); ++row) most = std::max(most, rows.integer(row, 2));
  Table table{.headers = {"starts_at", options.group_by, "changes", ""}, .rows = {}};
  for (int row = 0; row < rows.count(); ++row) {
    std::string bar;
    for (std::int64_t i = 0; i < (rows.integer(row, 2) * bar_width + most - 1) / most; ++i)
      bar += "█";
    table.rows.push_back(
        {cell_of(rows, row, 0), cell_of(rows, row, 1), cell_of(rows, row, 2), std::move(bar)});
  }
  std::cout << render_table(table, terminal_width());
  return {};
}

}  // namespace

void add_trends(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<TrendsOptions>();
  CLI::App& command = verbs.add(verbs.app(), "trends", "Count changes by time and group",
                                [&config, options] { return trends_command(config, *options); });
  command.add_option("--every", options->every, "The length of each time span")
      ->type_name("INTERVAL")
      ->capture_default_str();
  command
      .add_option("--by", options->group_by,
                  "The group: operation, table, source, or a key of the context")
      ->type_name("GROUP")
      ->capture_default_str();
  add_span_options(command, config, options->span);
}

}  // namespace bemi::cli
