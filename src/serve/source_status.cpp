// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/source_status.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <map>

#include <nlohmann/json.hpp>

#include "query/destination.hpp"
#include "query/health.hpp"
#include "query/overview.hpp"
#include "serve/control.hpp"

namespace bemi::serve {
namespace {

using nlohmann::ordered_json;

std::string text_in(const ordered_json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::int64_t number_in(const ordered_json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

std::optional<std::int64_t> seconds_in(const ordered_json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

query::SourceFacts::Source answer_of(const ordered_json& source) {
  if (source.contains("probe_error")) return query::SourceFacts::Source::unreachable;
  return source.value("slot_known", false) ? query::SourceFacts::Source::answers
                                           : query::SourceFacts::Source::not_asked;
}

std::int64_t open_table_gaps(const ordered_json& gaps) {
  return std::ranges::count_if(gaps, [](const ordered_json& gap) {
    return !text_in(gap, "table").empty() && gap["to_time"].is_null();
  });
}

query::SourceFacts facts_of(const ordered_json& source) {
  return {.has_history = !source.contains("history_error"),
          .state = text_in(source, "state"),
          .slot = text_in(source, "slot"),
          .progress_age_s = seconds_in(source, "progress_age_seconds"),
          .silent_s = seconds_in(source, "silent_seconds"),
          .open_gaps = number_in(source, "open_gaps"),
          .open_table_gaps = open_table_gaps(source["gaps"]),
          .parked_changes = number_in(source, "parked_changes"),
          .findings = number_in(source, "findings"),
          .contexts_rejected = number_in(source, "contexts_rejected"),
          .contexts_unverified = number_in(source, "contexts_unverified"),
          .messages_refused =
              number_in(source, "messages_refused") + number_in(source, "schema_refused"),
          .is_paused = source.value("paused", false),
          .source = answer_of(source),
          .has_slot = source.value("slot_there", false),
          .is_slot_read = source.value("slot_active", false),
          .wal_status = text_in(source, "wal_status"),
          .retained_bytes = number_in(source, "retained_bytes"),
          .lag_bytes = number_in(source, "lag_bytes")};
}

// Whether it is this very program that writes the history.
void add_place(ordered_json& source) {
  ordered_json& worker = source["worker"];
  if (!worker.is_object()) return;
  std::array<char, HOST_NAME_MAX + 1> host{};
  gethostname(host.data(), host.size() - 1);
  worker["here"] = text_in(worker, "host") == host.data() && worker["pid"] == getpid();
}

// By name: whether a person paused it. Nothing is paused where nothing is managed.
std::map<std::string, bool> paused_sources(const Services& services) {
  std::map<std::string, bool> paused;
  if (services.control == nullptr) return paused;
  auto text = services.control->list();
  if (!text) return paused;
  auto list = ordered_json::parse(*text, nullptr, /*allow_exceptions=*/false);
  for (const ordered_json& managed : list) {
    paused[text_in(managed, "name")] = managed.value("paused", false);
  }
  return paused;
}

base::Result<std::optional<SlotStatus>> slot_of(const Services& services,
                                                const ordered_json& source) {
  if (services.probe == nullptr) return std::nullopt;
  return services.probe->slot(text_in(source, "source"), text_in(source, "slot"),
                              text_in(source, "position"));
}

}  // namespace

void add_slot(ordered_json& source, const base::Result<std::optional<SlotStatus>>& slot) {
  source["open_gaps"] = std::ranges::count_if(
      source["gaps"], [](const ordered_json& gap) { return gap["accepted_at"].is_null(); });
  source["slot_known"] = false;
  if (!slot) {
    source["probe_error"] = slot.error().message;
    return;
  }
  if (!*slot) return;
  const SlotStatus& status = **slot;
  source["slot_known"] = true;
  source["slot_there"] = status.is_there;
  source["slot_active"] = status.is_active;
  source["wal_status"] = status.wal_status;
  source["retained_bytes"] = status.retained_bytes;
  source["safe_wal_bytes"] =
      status.safe_wal_bytes ? ordered_json(*status.safe_wal_bytes) : ordered_json(nullptr);
  source["lag_bytes"] = status.lag_bytes;
}

void add_health(ordered_json& source) {
  query::Verdict verdict = query::verdict_on(facts_of(source));
  auto problems = ordered_json::array();
  for (const query::Problem& problem : verdict.problems) {
    problems.push_back({{"level", name(problem.health)}, {"sentence", problem.sentence}});
  }
  source["health"] = {{"level", name(verdict.health)},
                      {"sentence", verdict.sentence},
                      {"problems", std::move(problems)}};
}

base::Result<ordered_json> source_status(const Services& services) {
  std::string text;
  {
    TRY_ASSIGN(auto connection, services.destination->reader());
    TRY_ASSIGN(text, query::sources(*connection));
  }
  auto list = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return base::fail(base::ErrorKind::internal, "no list of sources");
  auto paused = paused_sources(services);
  for (ordered_json& source : list) {
    auto managed = paused.find(text_in(source, "source"));
    source["managed"] = managed != paused.end();
    source["paused"] = managed != paused.end() && managed->second;
    add_place(source);
    add_slot(source, slot_of(services, source));
    add_health(source);
  }
  return list;
}

}  // namespace bemi::serve
