// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/sql.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "store/schema.hpp"
#include "wal/slot.hpp"

namespace bemi::cli {
namespace {

struct StatusOptions {
  bool stages = false;  // which of the worker's stages the others wait for
  std::string format = "table";
};

std::string bytes_text(std::int64_t bytes) {
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (bytes < 10'000'000) return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

nlohmann::ordered_json read_status(const pg::Rows& row, const std::string& name,
                                   const std::optional<wal::Slot>& slot, std::int64_t lag_bytes) {
  std::int64_t written = row.integer(0, 15);
  nlohmann::ordered_json status;
  status["source"] = name;
  status["state"] = row.text(0, 0);
  status["epoch"] = row.integer(0, 2);
  status["position"] = row.text(0, 3);
  status["lag_bytes"] = lag_bytes;
  status["progress_age_seconds"] = row.integer(0, 5);
  status["last_change_at"] = row.text(0, 12);
  status["transactions"] = row.integer(0, 6);
  status["changes"] = row.integer(0, 7);
  // The share of written changes, without the rows of baselines.
  status["context_coverage"] =
      written == 0 ? 1.0 : static_cast<double>(row.integer(0, 8)) / static_cast<double>(written);
  status["contexts_rejected"] = row.integer(0, 9);
  status["schema_messages_refused"] = row.integer(0, 13);
  status["messages_refused"] = row.integer(0, 16);
  status["findings"] = row.integer(0, 14);
  status["parked"] = row.integer(0, 19);  // changes, and what the history notes of them
  status["views_failed"] = row.integer(0, 18);
  status["open_gaps"] = row.integer(0, 10);
  status["gaps"] = row.integer(0, 11);
  status["last_table_gap"] = row.text(0, 17);
  status["slot"] = row.text(0, 1);
  status["slot_active"] = slot && slot->active;
  status["slot_wal_status"] = slot ? slot->wal_status : "missing";
  status["slot_retained_bytes"] = slot ? slot->retained_bytes : 0;
  return status;
}

Table as_table(const nlohmann::ordered_json& status) {
  Table table{.headers = {"what", "value"}, .rows = {}};
  for (const auto& [key, value] : status.items()) {
    std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (key.ends_with("_bytes")) text = bytes_text(value.get<std::int64_t>());
    if (key == "context_coverage") text = fmt::format("{:.1f} %", value.get<double>() * 100);
    table.rows.push_back({key, text});
  }
  return table;
}

constexpr const char* select_stages = R"(
select stage, items, bytes, input_wait_us, output_wait_us, elapsed_us, until::text
from _bemi.stage where source = $1 order by place)";

std::string share(std::int64_t part, std::int64_t whole) {
  return fmt::format("{:.0f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

// The slowest stage waits neither for work nor for the next stage.
base::Status print_stages(pg::Connection& destination, const std::string& source,
                          const std::string& format) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_stages, {source}));
  Table table{.headers = {"stage", "items/s", "MB/s", "busy", "waits for input", "waits for output",
                          "until"},
              .rows = {}};
  for (int row = 0; row < rows.count(); ++row) {
    std::int64_t elapsed = std::max<std::int64_t>(rows.integer(row, 5), 1);
    std::int64_t input = std::min(rows.integer(row, 3), elapsed);
    std::int64_t output = std::min(rows.integer(row, 4), elapsed - input);
    double seconds = static_cast<double>(elapsed) / 1e6;
    if (format == "json") {
      std::cout << nlohmann::ordered_json{{"stage", rows.text(row, 0)},
                                          {"items", rows.integer(row, 1)},
                                          {"bytes", rows.integer(row, 2)},
                                          {"input_wait_us", input},
                                          {"output_wait_us", output},
                                          {"elapsed_us", elapsed},
                                          {"until", rows.text(row, 6)}}
                       .dump()
                << "\n";
    }
    table.rows.push_back(
        {rows.text(row, 0),
         fmt::format("{:.0f}", static_cast<double>(rows.integer(row, 1)) / seconds),
         fmt::format("{:.1f}", static_cast<double>(rows.integer(row, 2)) / 1e6 / seconds),
         share(elapsed - input - output, elapsed), share(input, elapsed), share(output, elapsed),
         rows.text(row, 6)});
  }
  if (format == "csv") std::cout << render_csv(table, true);
  if (format == "table") std::cout << render_table(table, terminal_width());
  return {};
}

base::Status status_command(const host::Config& config, const StatusOptions& options) {
  TRY_ASSIGN(pg::Connection source, host::open_source(config, host::Access::read_only));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, source));
  TRY(store::history_schema(destination));
  TRY_ASSIGN(pg::Rows row, destination.query(sql::source_status, {settings.source_name}));
  if (row.empty()) {
    return base::fail(base::ErrorKind::usage,
                      "the source " + settings.source_name + " has no history here",
                      "start the worker with: bemi run");
  }
  if (options.stages) return print_stages(destination, settings.source_name, options.format);
  TRY_ASSIGN(auto slot, wal::find_slot(source, row.text(0, 1)));
  TRY_ASSIGN(pg::Rows lag,
             source.query("select greatest(pg_wal_lsn_diff(case when pg_is_in_recovery() then "
                          "pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end, "
                          "nullif($1, '')::pg_lsn), 0)::bigint",
                          {row.text(0, 3)}));
  auto status = read_status(row, settings.source_name, slot, lag.integer(0, 0));
  if (options.format == "json") {
    std::cout << status.dump() << "\n";
  } else if (options.format == "csv") {
    std::cout << render_csv(as_table(status), true);
  } else {
    std::cout << render_table(as_table(status), terminal_width());
  }
  if (row.integer(0, 10) == 0) return {};
  return base::fail(base::ErrorKind::gap, "the history has an open gap",
                    "to go on with a new baseline: bemi init --accept-gap");
}

}  // namespace

void add_status(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<StatusOptions>();
  CLI::App& command =
      verbs.add(verbs.app(), "status", "Show each source's slot, lag, gaps and context coverage",
                [&config, options] { return status_command(config, *options); });
  command.add_flag(
      "--stages", options->stages,
      "Show how busy each stage of the worker was when it last had work, and which is slowest");
  add_connection_options(command, config);
  add_format_option(command, options->format);
}

}  // namespace bemi::cli
