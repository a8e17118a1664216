// SPDX-License-Identifier: LGPL-3.0-or-later
//
// history, diff, trends, transactions.
#include <algorithm>
#include <iostream>

#include "cli/gap_note.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/commands.hpp"
#include "host/catch_up.hpp"
#include "host/connections.hpp"
#include "host/live_side.hpp"
#include "host/stop.hpp"
#include "query/diff.hpp"

namespace bemi::cli {
namespace {

constexpr std::int64_t bar_width = 40;

query::PastOptions past_options(const PastOptions& options) {
  return {.source = options.source.empty() ? std::nullopt : std::optional(options.source),
          .partial = options.partial,
          .allow_stale = options.allow_stale};
}

// All that must hold, as one JSON object.
base::Result<std::string> context_of(const std::vector<std::string>& filters) {
  std::string object = "{";
  for (const std::string& text : filters) {
    TRY_ASSIGN(query::ContextFilter filter, query::parse_context_filter(text));
    std::string member = filter.as_scalar.value_or(filter.as_text);
    object += (object.size() > 1 ? ", " : "") + member.substr(1, member.size() - 2);
  }
  return object + "}";
}

base::Status wait_for_now(const host::Config& config, pg::Connection& destination, Wait wait) {
  TRY_ASSIGN(pg::Connection source, host::open_source(config, host::Access::read_write));
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, source));
  return host::catch_up(source, destination, settings.source_name, wait, &host::asked_to_stop());
}

}  // namespace

base::Status history_command(const host::Config& config, const PastOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  if (options.wait > Wait::zero()) TRY(wait_for_now(config, destination, options.wait));
  TRY_ASSIGN(pg::Rows rows, query::history(destination, table, options.key, past_options(options)));
  if (rows.empty()) {
    return base::fail(base::ErrorKind::usage,
                      "there is no change of " + options.table + " " + options.key,
                      "KEY is the text in the column primary_key of `changes`");
  }
  print(rows,
        {{"version", Form::number},
         {"valid_from"},
         {"valid_to"},
         {"operation"},
         {"changes", Form::text, true, true},
         {"changed", Form::json, false},
         {"context", Form::json},
         {"row", Form::json, false},
         {"transaction_id", Form::number, false},
         {"id", Form::text, false}},
        options.format);
  note_gaps(destination, table);
  return {};
}

base::Status diff_command(const host::Config& config, const PastOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  query::Asked asked{.table = table, .key = {}, .moment = {}, .options = past_options(options)};
  auto reach = [&](const std::string& source) {
    return host::open_live_side(config, destination, source);
  };
  const auto& source = asked.options.source;
  TRY_ASSIGN(auto from, fixed_moment(destination, options.wait, options.time, source));
  TRY_ASSIGN(auto to, fixed_moment(destination, options.wait, options.until, source));
  TRY_ASSIGN(pg::Rows rows, ask_waiting(config, options.wait, [&] {
               return query::diff(destination, reach, asked, from, to);
             }));
  print(rows,
        {{"primary_key"},
         {"operation"},
         {"changes", Form::text, true, true},
         {"before", Form::json, false},
         {"after", Form::json, false}},
        options.format);
  return {};
}

base::Status trends_command(const host::Config& config, const TrendsOptions& options) {
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  auto source = options.source.empty() ? std::nullopt : std::optional(options.source);
  TRY_ASSIGN(pg::Rows rows, query::trends(destination, options.every, options.group_by,
                                          {options.since, options.until, source}));
  if (options.format != "table") {
    print(rows, {{"starts_at"}, {"group"}, {"changes", Form::number}}, options.format);
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

base::Status transactions_command(const host::Config& config, const TrendsOptions& options) {
  TRY_ASSIGN(std::string context, context_of(options.context));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  auto source = options.source.empty() ? std::nullopt : std::optional(options.source);
  TRY_ASSIGN(pg::Rows rows,
             query::transactions(destination, context, {options.since, options.until, source},
                                 options.limit));
  print(rows,
        {{"effective_at"},
         {"transaction_id", Form::number},
         {"changes", Form::number},
         {"tables", Form::json},
         {"context", Form::json},
         {"source", Form::text, false}},
        options.format);
  return {};
}

}  // namespace bemi::cli
