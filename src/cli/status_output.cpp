// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/status_output.hpp"

#include <cstdint>
#include <iostream>
#include <iterator>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "base/printable.hpp"
#include "cli/output.hpp"

namespace bemi::cli {
namespace {

using nlohmann::ordered_json;

// The newest note of a table whose changes are not all known.
std::string last_table_gap(const ordered_json& gaps) {
  for (bool is_open : {true, false}) {
    for (const ordered_json& gap : gaps) {
      if (!gap["table"].is_string() || gap["to_time"].is_null() != is_open) continue;
      return fmt::format("{}.{} from {} until {}: {}", gap.value("schema", ""),
                         gap.value("table", ""), gap.value("from_time", ""),
                         is_open ? "now" : gap.value("to_time", ""), gap.value("reason", ""));
    }
  }
  return "";
}

ordered_json coverage_of(const ordered_json& source) {
  auto written = source.value("written", std::int64_t{0});
  auto known = static_cast<double>(source.value("written_with_context", std::int64_t{0}));
  return written == 0 ? ordered_json(nullptr) : ordered_json(known / static_cast<double>(written));
}

// What is known without the history.
const std::set<std::string> source_alone{"source",
                                         "health",
                                         "summary",
                                         "slot",
                                         "slot_active",
                                         "slot_wal_status",
                                         "slot_retained_bytes",
                                         "history_error"};

// Of serve::source_status, by the names that the command has always had.
ordered_json status_of(const ordered_json& source) {
  ordered_json status;
  auto copy = [&](const char* name, const char* field) {
    auto found = source.find(field);
    status[name] = found == source.end() ? ordered_json(nullptr) : *found;
  };
  copy("source", "source");
  status["health"] = source["health"]["level"];
  status["summary"] = source["health"]["sentence"];
  copy("state", "state");
  copy("epoch", "epoch");
  copy("position", "position");
  copy("lag_bytes", "lag_bytes");
  copy("progress_age_seconds", "progress_age_seconds");
  copy("last_change_at", "last_change_at");
  copy("transactions", "transactions");
  copy("changes", "changes");
  // Of what somebody wrote: not of the rows of baselines.
  status["context_coverage"] = coverage_of(source);
  copy("contexts_rejected", "contexts_rejected");
  copy("schema_messages_refused", "schema_refused");
  copy("messages_refused", "messages_refused");
  copy("contexts_unverified", "contexts_unverified");
  copy("findings", "findings");
  copy("parked", "parked_changes");  // changes, and what the history notes of them
  copy("views_failed", "views_failed");
  copy("open_gaps", "open_gaps");
  status["gaps"] = source["gaps"].size();
  status["last_table_gap"] = last_table_gap(source["gaps"]);
  copy("slot", "slot");
  copy("slot_active", "slot_active");
  copy("slot_wal_status", "wal_status");
  copy("slot_retained_bytes", "retained_bytes");
  if (source.contains("probe_error")) copy("source_error", "probe_error");
  if (!source.contains("history_error")) return status;
  copy("history_error", "history_error");
  for (auto entry = status.begin(); entry != status.end();) {
    entry = source_alone.contains(entry.key()) ? std::next(entry) : status.erase(entry);
  }
  return status;
}

// For a person, with units; for a program as it is.
std::string text_of(const std::string& key, const ordered_json& value, bool for_person) {
  if (value.is_null()) return for_person ? "not known" : "";
  if (value.is_string()) return value.get<std::string>();
  if (for_person && key.ends_with("_bytes")) return base::size_text(value.get<std::int64_t>());
  if (for_person && key == "context_coverage")
    return fmt::format("{:.1f} %", value.get<double>() * 100);
  return value.dump();
}

Table as_table(const ordered_json& status, bool for_person) {
  Table table{.headers = {"what", "value"}, .rows = {}};
  for (const auto& [key, value] : status.items()) {
    bool is_said = key == "health" || key == "summary";  // above the table
    if (for_person && is_said) continue;
    bool is_none = value.is_null() && (key == "context_coverage" || key == "last_change_at");
    table.rows.push_back(
        {key, for_person && is_none ? "none yet" : text_of(key, value, for_person)});
  }
  return table;
}

void print_health(const std::string& name, const ordered_json& health) {
  bool colour = use_colour();
  std::string level = health.value("level", "");
  const char* paint = level == "good" ? "32" : level == "attention" ? "33" : "31";
  std::string words = base::printable(name) + ": " + base::printable(health.value("sentence", ""));
  std::cout << (colour ? fmt::format("\x1b[{}m{}\x1b[0m", paint, words) : words) << "\n";
  bool is_first = true;
  for (const ordered_json& problem : health["problems"]) {
    if (!is_first) std::cout << "  " << base::printable(problem.value("sentence", "")) << "\n";
    is_first = false;
  }
}

}  // namespace

void print_status(const ordered_json& source, const std::string& format) {
  ordered_json status = status_of(source);
  if (format == "json") {
    std::cout << status.dump() << "\n";
  } else if (format == "csv") {
    std::cout << render_csv(as_table(status, /*for_person=*/false), true);
  } else {
    print_health(source.value("source", ""), source["health"]);
    std::cout << render_table(as_table(status, /*for_person=*/true), terminal_width());
  }
}

}  // namespace bemi::cli
