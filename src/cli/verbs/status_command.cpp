// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/status_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "host/source_probe.hpp"
#include "host/stop.hpp"
#include "pg/address.hpp"
#include "query/overview.hpp"
#include "serve/source_status.hpp"
#include "setup/setup.hpp"
#include "store/schema.hpp"

namespace bemi::cli {
namespace {

using nlohmann::ordered_json;

struct StatusOptions {
  bool stages = false;  // which of the worker's stages the others wait for
  std::string format = "table";
};

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

// The source of the configuration, whether it answers or not.
struct Asked {
  std::string name;  // empty: every source of the history
  std::optional<base::Error> away;
};

base::Result<Asked> asked_source(const host::Config& config) {
  Asked asked{.name = config.source_name, .away = {}};
  if (config.source_url.empty()) return asked;
  auto source = host::open_source(config, host::Access::read_only);
  if (source) {
    TRY_ASSIGN(setup::Settings settings, host::setup_settings(config, *source));
    asked.name = settings.source_name;
    return asked;
  }
  asked.away = source.error();
  if (!asked.name.empty()) return asked;
  TRY_ASSIGN(pg::Address address, pg::parse_address(config.source_url));
  asked.name = address["dbname"];
  return asked;
}

base::Result<std::optional<serve::SlotStatus>> look_at_slot(const host::Config& config,
                                                            const Asked& asked,
                                                            const std::string& slot,
                                                            const std::string& position) {
  if (config.source_url.empty()) return std::nullopt;
  if (asked.away) return std::unexpected(*asked.away);
  host::SourceProbe probe(config.source_url, asked.name, host::asked_to_stop());
  return probe.slot(asked.name, slot, position);
}

std::string text_in(const ordered_json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

// The sources that are asked for, judged.
base::Result<std::vector<ordered_json>> judged_sources(const host::Config& config,
                                                       const Asked& asked,
                                                       pg::Connection& destination) {
  TRY_ASSIGN(std::string text, query::sources(destination));
  auto list = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::vector<ordered_json> judged;
  for (ordered_json& source : list) {
    if (!asked.name.empty() && text_in(source, "source") != asked.name) continue;
    serve::add_slot(
        source, look_at_slot(config, asked, text_in(source, "slot"), text_in(source, "position")));
    serve::add_health(source);
    judged.push_back(std::move(source));
  }
  if (!judged.empty()) return judged;
  return base::fail(base::ErrorKind::usage,
                    asked.name.empty() ? "no source has a history here"
                                       : "the source " + asked.name + " has no history here",
                    "start the worker with: bemi run");
}

// The history is away: what the source alone tells.
base::Status status_without_history(const host::Config& config, const StatusOptions& options,
                                    base::Error history) {
  auto asked = asked_source(config);
  if (!asked || asked->away || config.source_url.empty() || options.stages)
    return std::unexpected(std::move(history));
  std::string slot = config.slot.empty() ? setup::default_slot_name(asked->name) : config.slot;
  ordered_json source = {{"source", asked->name},
                         {"slot", slot},
                         {"history_error", history.message},
                         {"gaps", ordered_json::array()}};
  serve::add_slot(source, look_at_slot(config, *asked, slot, ""));
  serve::add_health(source);
  print_status(source, options.format);
  return std::unexpected(std::move(history));
}

base::Result<bool> status_command(const host::Config& config, const StatusOptions& options) {
  auto destination = host::open_destination(config, host::Access::read_only);
  if (!destination) {
    TRY(status_without_history(config, options, destination.error()));
  }
  TRY_ASSIGN(Asked asked, asked_source(config));
  if (options.stages) {
    TRY(store::history_schema(*destination));
    TRY(print_stages(*destination, asked.name, options.format));
    return true;
  }
  TRY_ASSIGN(auto judged, judged_sources(config, asked, *destination));
  bool is_well = true;
  for (const ordered_json& source : judged) {
    print_status(source, options.format);
    is_well = is_well && source["health"]["level"] != "action";
  }
  if (asked.away) return std::unexpected(*asked.away);
  return is_well;
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
