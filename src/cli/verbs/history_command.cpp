// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/change_lines.hpp"
#include "cli/gap_note.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/past_options.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/catch_up.hpp"
#include "host/connections.hpp"
#include "host/stop.hpp"
#include "query/stored_key.hpp"

namespace bemi::cli {
namespace {

struct HistoryOptions {
  std::string table;
  std::string key;
  PastOptions past;
  std::string format = "table";
};

base::Status wait_for_now(const host::Config& config, pg::Connection& destination, Wait wait) {
  TRY_ASSIGN(pg::Connection source, host::open_source(config, host::Access::read_write));
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, source));
  return host::catch_up(source, destination, settings.source_name, wait, &host::asked_to_stop());
}

// In a terminal: a line for when, which version and who, and one for what became of the values.
void print_lines(const pg::Rows& rows) {
  std::vector<ChangeLine> lines;
  for (int row = 0; row < rows.count(); ++row) {
    lines.push_back({.at = rows.text(row, 1),
                     .what = "version " + rows.text(row, 0) + " " + rows.text(row, 3),
                     .context = rows.text(row, 6),
                     .changes = rows.text(row, 4)});
  }
  std::cout << render_lines(lines, terminal_width().value_or(80), use_colour());
}

void print_versions(const pg::Rows& rows, const std::string& format) {
  if (format == "table" && terminal_width()) {
    print_lines(rows);
    return;
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
        format);
}

base::Status history_command(const host::Config& config, const HistoryOptions& options) {
  TRY_ASSIGN(query::TableName table, query::parse_table_name(options.table));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  if (options.past.wait > Wait::zero()) TRY(wait_for_now(config, destination, options.past.wait));
  query::PastOptions past = past_of(options.past);
  TRY_ASSIGN(std::string key, query::stored_key(destination, table, options.key, past.source));
  TRY_ASSIGN(pg::Rows rows, query::history(destination, table, key, past));
  if (rows.empty()) {
    return base::fail(base::ErrorKind::usage,
                      "there is no change of " + options.table + " " + options.key,
                      "bemi changes --table " + options.table + " shows which keys have changes");
  }
  print_versions(rows, options.format);
  note_gaps(destination, table);
  return {};
}

}  // namespace

void add_history(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<HistoryOptions>();
  CLI::App& command = verbs.add(verbs.app(), "history",
                                "Show one record's versions: what changed, when and by whom",
                                [&config, options] { return history_command(config, *options); });
  command.add_option("TABLE", options->table, table_about)->required();
  command.add_option("KEY", options->key, key_about)->required();
  add_past_options(command, config, options->past);
  add_format_option(command, options->format);
}

}  // namespace bemi::cli
