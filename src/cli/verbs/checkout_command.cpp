// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/counted.hpp"
#include "cli/output.hpp"
#include "cli/past_options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/stop.hpp"
#include "query/checkout.hpp"

namespace bemi::cli {
namespace {

constexpr std::size_t bar_width = 24;

struct CheckoutOptions {
  std::string time;
  std::string into;  // a database's URL, or the name of a schema to be made in the destination
  PastOptions past;
};

// On a terminal one line that is written over, elsewhere a line a table.
class Bar {
 public:
  explicit Bar(const std::vector<query::CheckoutTable>& tables) : tables_(tables) {}

  void show(std::size_t number, std::int64_t rows) {
    if (number != number_) finish_table();
    number_ = number;
    rows_ = rows;
    if (!is_terminal_) return;
    std::size_t filled = bar_width * number / tables_.size();
    std::string bar = std::string(filled, '#') + std::string(bar_width - filled, '.');
    std::cerr << fmt::format("\r\033[K[{}] {}/{} {}: {} rows", bar, number + 1, tables_.size(),
                             tables_[number].table, rows)
              << std::flush;
  }

  void finish() {
    finish_table();
    if (is_terminal_) std::cerr << "\r\033[K" << std::flush;
  }

  [[nodiscard]] std::int64_t rows() const { return all_rows_; }

 private:
  void finish_table() {
    if (tables_.empty()) return;
    all_rows_ += rows_;
    if (!is_terminal_ && (rows_ > 0 || number_ > 0 || all_rows_ > 0)) {
      std::cerr << fmt::format("{}.{}: {} rows\n", tables_[number_].schema, tables_[number_].table,
                               rows_);
    }
    rows_ = 0;
  }

  const std::vector<query::CheckoutTable>& tables_;
  bool is_terminal_ = isatty(STDERR_FILENO) != 0;
  std::size_t number_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t all_rows_ = 0;
};

struct Target {
  std::string url;
  std::optional<std::string> schema;
};

// A URL or libpq's key=value is a database; a name is a database of the destination's server when
// there is one, else a schema that is made in the destination.
base::Result<Target> target_of(const host::Config& config, const std::string& into) {
  if (into.find("://") != std::string::npos || into.find('=') != std::string::npos) {
    return Target{into, std::nullopt};
  }
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(pg::Rows found,
             destination.query("select from pg_database where datname = $1", {into}));
  if (found.empty()) return Target{config.destination(), into};
  return base::fail(base::ErrorKind::usage, "there is a database " + into + " on this server",
                    "give its URL to copy into it, or another name for a schema");
}

base::Status check_empty(pg::Connection& target, const Target& into) {
  if (!into.schema) return {};
  TRY_ASSIGN(pg::Rows found,
             target.query("select from pg_namespace where nspname = $1", {into.schema}));
  if (found.empty()) return {};
  return base::fail(base::ErrorKind::usage, "the schema " + *into.schema + " is there already",
                    "choose another name, or drop it: nothing is ever written over");
}

// Without the source the copy has no indexes and foreign keys, and that is said.
query::CheckoutExtras extras_of(const host::Config& config) {
  if (!config.source_url.empty()) {
    if (auto source = host::open_source(config, host::Access::read_only)) {
      if (auto extras = query::read_extras(*source)) return std::move(*extras);
    }
  }
  std::cerr << "bemi: the source cannot be asked: the copy has keys, but no other indexes and no "
               "foreign keys\n";
  return {};
}

base::Status checkout_command(const host::Config& config, const CheckoutOptions& options) {
  TRY_ASSIGN(Target into, target_of(config, options.into));
  query::CheckoutSettings settings{
      .moment = options.time, .schema = into.schema, .past = past_of(options.past)};
  TRY_ASSIGN(pg::Connection history, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(pg::Connection target, pg::Connection::open({.url = into.url,
                                                          .purpose = "bemi/checkout",
                                                          .interrupt = &host::asked_to_stop(),
                                                          .cancels = true}));
  TRY(check_empty(target, into));
  TRY_ASSIGN(settings.moment,
             fixed_moment(history, options.past.wait, settings.moment, settings.past.source));
  TRY_ASSIGN(std::vector<query::CheckoutTable> tables, ask_waiting(config, options.past.wait, [&] {
               auto found = query::tables_at(history, settings);
               // The next attempt is to see what has come meanwhile.
               if (!found) [[maybe_unused]]
                 auto ended = history.run("rollback");
               return found;
             }));
  Bar bar(tables);
  TRY_ASSIGN(auto remarks, query::checkout(history, target, tables, extras_of(config), settings,
                                           [&](std::size_t number, std::int64_t rows) {
                                             bar.show(number, rows);
                                           }));
  bar.finish();
  for (const std::string& remark : remarks) std::cerr << "bemi: " << remark << "\n";
  std::cout << fmt::format(
      "{} with {} as of {}, in {}\n",
      base::counted(static_cast<std::int64_t>(tables.size()), "table"),
      base::counted(bar.rows(), "row"), options.time,
      into.schema ? "schema " + *into.schema : "database " + target.database());
  return {};
}

}  // namespace

void add_checkout(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<CheckoutOptions>();
  CLI::App& command =
      verbs.add(verbs.app(), "checkout", "Make a real copy of the tracked tables as they were",
                [&config, options] { return checkout_command(config, *options); });
  command.add_option("--at", options->time, time_about)->type_name("TIME")->required();
  command
      .add_option("--into", options->into,
                  "The target: a database's URL, or the name of a new schema in the destination")
      ->type_name("DATABASE|SCHEMA")
      ->required();
  add_past_options(command, config, options->past);
}

}  // namespace bemi::cli
