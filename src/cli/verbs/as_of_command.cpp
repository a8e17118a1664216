// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/filter_options.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/past_options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/live_side.hpp"
#include "query/as_of.hpp"
#include "query/stored_key.hpp"

namespace bemi::cli {
namespace {

using PastRows = std::vector<query::PastRow>;

struct AsOfOptions {
  std::string time;
  std::string table;
  std::string key;
  std::int64_t limit = 0;  // 0: all
  std::string after;       // a key: where a page begins
  bool explain = false;    // only tell how the answer would be found
  PastOptions past;
  std::string format = "table";
};

// The rows' own columns, as the newest of them has them.
Table past_table(const PastRows& rows) {
  Table table;
  for (const query::PastRow& row : rows) {
    auto texts = nlohmann::ordered_json::parse(row.texts, nullptr, false);
    if (!texts.is_object()) continue;
    for (const auto& [name, value] : texts.items()) {
      if (std::ranges::find(table.headers, name) == table.headers.end())
        table.headers.push_back(name);
    }
    auto& cells = table.rows.emplace_back();
    for (const std::string& name : table.headers) {
      auto found = texts.find(name);
      bool none = found == texts.end() || found->is_null();
      cells.push_back(none ? Cell() : Cell(found->get<std::string>()));
    }
  }
  for (auto& cells : table.rows) cells.resize(table.headers.size());
  return table;
}

void print_past(const PastRows& rows, const std::string& format) {
  if (format == "json") {
    for (const query::PastRow& row : rows) std::cout << row.row << '\n';
  } else if (format == "csv") {
    Table table{.headers = {"row", "texts", "exact", "fidelity", "primary_key"}, .rows = {}};
    for (const query::PastRow& row : rows) {
      table.rows.push_back({row.row, row.texts, row.exact, row.fidelity, row.primary_key});
    }
    std::cout << render_csv(table, true);
  } else {
    std::cout << render_table(past_table(rows), terminal_width());
  }
}

void note_unknown(const PastRows& rows) {
  auto marked =
      std::ranges::count_if(rows, [](const auto& row) { return row.fidelity.has_value(); });
  if (marked > 0) {
    std::cerr << "bemi: " << marked
              << " rows have values that are not plainly known; see `fidelity` in --format csv\n";
  }
}

query::Asked asked_of(const AsOfOptions& options, query::TableName table) {
  query::PastOptions past = past_of(options.past);
  past.after = given(options.after);
  if (options.limit != 0) past.limit = options.limit;
  return {.table = std::move(table),
          .key = given(options.key),
          .moment = options.time,
          .options = std::move(past)};
}

void print_past(const query::Plan& plan) {
  for (const std::string& line : plan.lines) std::cout << line << "\n";
  std::cout << (plan.way == query::Plan::Way::walk_back ? "taken: back from the live table\n"
                : plan.forward_refused                  ? "taken: none\n"
                                                        : "taken: forward\n");
}

base::Status as_of_command(const host::Config& config, const AsOfOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection history, host::open_destination(config, host::Access::read_only));
  query::Asked asked = asked_of(options, table);
  if (asked.key) {
    TRY_ASSIGN(asked.key, query::stored_key(history, table, *asked.key, asked.options.source));
  }
  TRY_ASSIGN(asked.moment,
             fixed_moment(history, options.past.wait, asked.moment, asked.options.source));
  auto reach = [&](const std::string& source) {
    return host::open_live_side(config, history, source);
  };
  TRY_ASSIGN(query::Plan plan, ask_waiting(config, options.past.wait, [&] {
               return query::plan(history, reach, asked, options.explain);
             }));
  if (options.explain) {
    print_past(plan);
    return {};
  }
  TRY_ASSIGN(PastRows rows, query::as_of(history, plan, asked));
  print_past(rows, options.format);
  note_unknown(rows);
  return {};
}

}  // namespace

void add_as_of(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<AsOfOptions>();
  CLI::App& command = verbs.add(verbs.app(), "as-of", "Show a table's rows as they were at a time",
                                [&config, options] { return as_of_command(config, *options); });
  command.add_option("TIME", options->time, time_about)->required();
  command.add_option("TABLE", options->table, table_about)->required();
  command.add_option("KEY", options->key, key_about);
  command.add_option("--limit", options->limit, "Return at most N rows, ordered by key")
      ->check(whole_number());
  command.add_option("--after", options->after, "Return the rows after this key")->type_name("KEY");
  command.add_flag("--explain", options->explain,
                   "Print how the rows would be found, and do not read them");
  add_past_options(command, config, options->past);
  add_format_option(command, options->format);
  add_selection_options(command, config);
}

}  // namespace bemi::cli
