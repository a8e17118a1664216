// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <cctype>
#include <chrono>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/printable.hpp"
#include "change/change_columns.hpp"
#include "cli/change_lines.hpp"
#include "cli/filter_options.hpp"
#include "cli/options.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/stop.hpp"
#include "query/changes.hpp"
#include "query/known_names.hpp"
#include "query/stored_key.hpp"
#include "store/archive.hpp"
#include "store/schema.hpp"

namespace bemi::cli {
namespace {

constexpr std::chrono::milliseconds follow_pause{200};
constexpr std::int64_t follow_page = 1000;

struct ChangesOptions {
  FilterOptions filter;
  std::string archive;  // a file to look into instead of the table
  std::int64_t limit = 50;
  std::string before;  // ids of changes: where a page ends or begins
  std::string after;
  bool follow = false;
  std::string format = "table";
};

Columns as_shown() {
  Columns columns;
  for (const change::ChangeColumn& column : change::change_columns) {
    columns.push_back({.name = column.name, .form = column.form, .in_table = column.in_table});
  }
  return columns;
}

// In a terminal, as lines; for programs, and where it is written to a file, with all columns.
bool is_for_terminal(const ChangesOptions& options) {
  return options.format == "table" && terminal_width().has_value();
}

std::string name_of(const pg::Rows& rows, int row) {
  std::string schema = rows.text(row, change::change_column("schema"));
  std::string table = rows.text(row, change::change_column("table"));
  std::string key = rows.text(row, change::change_column("primary_key"));
  return (schema == "public" ? "" : schema + ".") + table +
         (key.empty() ? "" : " " + query::written_key(key));
}

std::string lower(std::string word) {
  std::ranges::transform(word, word.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word;
}

void print_lines(const pg::Rows& rows) {
  std::vector<ChangeLine> lines;
  for (int row = 0; row < rows.count(); ++row) {
    std::string operation = lower(rows.text(row, change::change_column("operation")));
    lines.push_back({.at = rows.text(row, change::change_column("committed_at")),
                     .what = operation + " " + name_of(rows, row),
                     .context = rows.text(row, change::change_column("context")),
                     .changes = rows.text(row, rows.columns() - 1)});
  }
  std::cout << render_lines(lines, terminal_width().value_or(80), use_colour()) << std::flush;
}

void print_page(const pg::Rows& rows, const ChangesOptions& options, bool first = true) {
  if (is_for_terminal(options))
    print_lines(rows);
  else
    print(rows, as_shown(), options.format, first);
  if (options.format == "table" && first && rows.empty()) std::cerr << "bemi: no change matches\n";
}

void advance(std::vector<query::Position>& seen, const pg::Rows& rows) {
  for (int row = 0; row < rows.count(); ++row) {
    query::Position position{rows.text(row, change::change_column("source")),
                             rows.integer(row, change::change_column("epoch")),
                             rows.integer(row, change::change_column("commit_position")),
                             rows.integer(row, change::change_column("sequence"))};
    auto known = std::ranges::find(seen, position.source, &query::Position::source);
    if (known == seen.end()) {
      seen.push_back(std::move(position));
    } else {
      *known = std::move(position);
    }
  }
}

base::Result<pg::Rows> page_of(query::Changes& changes, const query::ChangeFilter& filter,
                               const ChangesOptions& options) {
  if (!options.after.empty()) return changes.next(filter, options.limit, options.after);
  return changes.newest(filter, options.limit, given(options.before));
}

// A reader of the history may lack the rights to compare.
base::Status compare(pg::Connection& destination, const std::string& file) {
  TRY_ASSIGN(store::Archive archive, store::describe_archive(file));
  auto standing = store::standing_of(destination, archive);
  if (!standing && standing.error().kind != base::ErrorKind::permission)
    return std::unexpected(standing.error());
  if (standing && *standing == store::Standing::recorded) return {};
  if (standing && *standing == store::Standing::changed) {
    return base::fail(base::ErrorKind::conflict,
                      file + " is damaged, or somebody has changed it: it is not what was written",
                      "take another copy of the file");
  }
  std::cerr << "bemi: " << base::printable(file)
            << (standing ? ": this history has no digest of it; it is read as it is\n"
                         : ": only the history's owner can compare it; it is read as it is\n");
  return {};
}

// The file's rows in a table of this session alone.
base::Result<query::Changes> open_archive(pg::Connection& destination, const std::string& file) {
  constexpr const char* table = "pg_temp.bemi_archive";
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  TRY(compare(destination, file));
  TRY(destination.run(std::string("create temp table bemi_archive (like ") +
                      store::changes_name(schema) + " including defaults)"));
  TRY(store::load_archive(destination, file, table));
  TRY(destination.run(std::string("analyze ") + table));
  return query::Changes::in(destination, table);
}

base::Status search_archive(const host::Config& config, const ChangesOptions& options) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(options.filter));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_write));
  TRY(query::fix_times(destination, filter));
  TRY_ASSIGN(query::Changes changes, open_archive(destination, options.archive));
  if (is_for_terminal(options)) changes.add_readable_changes();
  TRY_ASSIGN(pg::Rows page, page_of(changes, filter, options));
  print_page(page, options);
  return {};
}

// For a person, on the way to the next page.
void hint_at_more(const ChangesOptions& options, const pg::Rows& page) {
  if (options.format != "table" || page.count() < options.limit || page.empty()) return;
  if (!terminal_width()) return;
  bool onwards = !options.after.empty();
  std::cerr << (onwards ? "newer ones: --after " : "older ones: --before ")
            << page.text(onwards ? page.count() - 1 : 0, change::change_column("id")) << "\n";
}

base::Status changes_command(const host::Config& config, const ChangesOptions& options,
                             const base::Interrupt& stop) {
  if (!options.archive.empty()) return search_archive(config, options);
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(options.filter));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY(query::fix_times(destination, filter));
  TRY_ASSIGN(query::Changes changes, query::Changes::open(destination));
  if (is_for_terminal(options)) changes.add_readable_changes();
  // Before the page: what comes between both is shown, not lost.
  TRY_ASSIGN(std::vector<query::Position> seen, changes.ends());
  TRY_ASSIGN(pg::Rows page, page_of(changes, filter, options));
  print_page(page, options);
  if (!options.follow) hint_at_more(options, page);
  if (!options.follow) return {};
  advance(seen, page);
  while (!stop.triggered() && std::cout.good()) {
    auto fresh = changes.after(filter, seen, follow_page);
    if (!fresh && stop.triggered()) break;  // Ctrl-C is how one ends it
    if (!fresh) return std::unexpected(fresh.error());
    if (!fresh->empty()) print_page(*fresh, options, /*first=*/false);
    advance(seen, *fresh);
    if (fresh->count() < follow_page) base::pause(&stop, follow_pause);
  }
  return {};
}

void add_page_options(CLI::App& command, ChangesOptions& options) {
  command.add_option("--limit", options.limit, "Show at most N changes, the newest ones")
      ->check(whole_number())
      ->capture_default_str();
  CLI::Option* before =
      command
          .add_option("--before", options.before, "Show the page before the change with this id")
          ->type_name("ID");
  command.add_option("--after", options.after, "Show the page after the change with this id")
      ->type_name("ID")
      ->excludes(before);
  command.add_flag("--follow", options.follow, "Keep printing new changes as they arrive")
      ->excludes(before);
}

}  // namespace

void add_changes(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<ChangesOptions>();
  CLI::App& command = verbs.add(
      verbs.app(), "changes", "List changes that match the given conditions",
      [&config, options] { return changes_command(config, *options, host::asked_to_stop()); });
  add_filter_options(command, options->filter,
                     "CREATE, UPDATE, DELETE, TRUNCATE, SNAPSHOT or SCHEMA");
  add_page_options(command, *options);
  command
      .add_option("--archive", options->archive,
                  "Read this archive file instead of the table changes; nothing is stored")
      ->check(CLI::ExistingFile)
      ->excludes("--follow")
      ->type_name("FILE");
  add_connection_options(command, config);
  add_format_option(command, options->format);
}

}  // namespace bemi::cli
