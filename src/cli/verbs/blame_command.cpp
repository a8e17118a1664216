// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/change_lines.hpp"
#include "cli/filter_options.hpp"
#include "cli/gap_note.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "query/past.hpp"
#include "query/stored_key.hpp"

namespace bemi::cli {
namespace {

struct BlameOptions {
  std::string table;
  std::string key;
  std::string source;
  std::string format = "table";
};

// A JSON string without its quotes; every other value as it is.
std::string plain(const std::string& value) {
  if (!value.starts_with('"')) return value;
  auto read = nlohmann::json::parse(value, nullptr, /*allow_exceptions=*/false);
  return read.is_string() ? read.get<std::string>() : value;
}

void print_for_person(const pg::Rows& rows) {
  Table table{.headers = {"column", "value", "since", "who"}, .rows = {}, .marked = {}};
  for (int row = 0; row < rows.count(); ++row) {
    bool is_known = rows.get(row, 6).has_value();  // the change that set it
    table.rows.push_back({rows.text(row, 0), plain(rows.text(row, 1)),
                          rows.text(row, 2).substr(0, to_the_second),
                          is_known ? who_of(rows.text(row, 4)) : "no change on record"});
  }
  std::cout << render_table(table, terminal_width());
}

base::Status blame_command(const host::Config& config, const BlameOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  auto source = given(options.source);
  TRY_ASSIGN(std::string key, query::stored_key(destination, table, options.key, source));
  TRY_ASSIGN(pg::Rows rows, query::blame(destination, table, key, source));
  if (rows.empty()) {
    return base::fail(base::ErrorKind::usage,
                      "there is no " + options.table + " " + options.key + " now",
                      "see bemi history " + options.table + " " + options.key);
  }
  if (options.format == "table") {
    print_for_person(rows);
  } else {
    print(rows,
          {{"column"},
           {"value", Form::json},
           {"since"},
           {"operation"},
           {"context", Form::json},
           {"transaction_id", Form::number},
           {"id"}},
          options.format);
  }
  note_gaps(destination, table);
  return {};
}

}  // namespace

void add_blame(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<BlameOptions>();
  CLI::App& command =
      verbs.add(verbs.app(), "blame", "Show who set each present value of a record, and when",
                [&config, options] { return blame_command(config, *options); });
  command.add_option("TABLE", options->table, table_about)->required();
  command.add_option("KEY", options->key, key_about)->required();
  command
      .add_option("--source-name", options->source,
                  "The source's name, needed if several sources have the table")
      ->type_name("NAME");
  add_connection_options(command, config);
  add_format_option(command, options->format);
}

}  // namespace bemi::cli
