// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/metrics.hpp"

#include <nlohmann/json.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "deliver/live_feed.hpp"
#include "query/destination.hpp"
#include "query/overview.hpp"
#include "serve/source_status.hpp"

namespace bemi::serve {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Family;
using prometheus::Gauge;

namespace {

constexpr MetricDescription http_requests{"bemi_http_requests_total", "counter", "route, status",
                                          "HTTP requests answered"};
constexpr MetricDescription http_duration{"bemi_http_request_duration_seconds", "histogram",
                                          "route", "Time to the first byte of an answer"};
constexpr MetricDescription stream_events{"bemi_stream_events_total", "counter", "",
                                          "Changes sent to live streams"};
constexpr MetricDescription stream_readers{"bemi_stream_readers", "gauge", "",
                                           "Live streams that are open"};
constexpr MetricDescription history_up{"bemi_history_up", "gauge", "",
                                       "1 when the history can be read"};

// Gauges made from the fields of a source's status.
struct SourceGauge {
  const char* field;
  const char* name;
  const char* help;
};
constexpr MetricDescription source_health{
    "bemi_source_health", "gauge", "source",
    "0 when the source is up to date, 1 when it needs attention, 2 when it needs action"};

constexpr SourceGauge source_gauges[] = {
    {"lag_bytes", "bemi_source_lag_bytes",
     "WAL that the source has written and the history does not have yet"},
    {"retained_bytes", "bemi_slot_retained_bytes", "WAL that the source keeps for the slot"},
    {"safe_wal_bytes", "bemi_slot_safe_wal_bytes",
     "WAL that can still be written before the source invalidates the slot"},
    {"slot_active", "bemi_slot_active", "1 when a worker reads the slot"},
    {"progress_age_seconds", "bemi_source_progress_age_seconds",
     "Seconds since progress was stored last"},
    {"transactions", "bemi_source_transactions", "Transactions stored"},
    {"changes", "bemi_source_changes", "Changes stored"},
    {"changes_with_context", "bemi_source_changes_with_context", "Changes stored with a context"},
    {"contexts_rejected", "bemi_source_contexts_rejected",
     "Context messages that were refused and kept aside"},
    {"schema_refused", "bemi_source_schema_refused",
     "DDL messages without a valid signature, refused"},
    {"messages_refused", "bemi_source_messages_refused",
     "Messages with a prefix of Bemi's that Bemi did not write"},
    {"contexts_unverified", "bemi_source_contexts_unverified",
     "Signed context messages whose signature does not match"},
    {"open_gaps", "bemi_source_open_gaps", "Gaps that nobody has accepted yet"},
    {"gaps", "bemi_source_gaps", "Gaps on record, accepted or not"},
    {"parked", "bemi_source_parked",
     "Changes and messages that could not be stored and were kept aside"},
};

template <typename Builder>
auto& family(Builder builder, const MetricDescription& metric, prometheus::Registry& registry) {
  return builder.Name(metric.name).Help(metric.help).Register(registry);
}

}  // namespace

std::vector<MetricDescription> metric_descriptions() {
  std::vector<MetricDescription> all{http_requests,  http_duration, stream_events,
                                     stream_readers, history_up,    source_health};
  for (const SourceGauge& gauge : source_gauges) {
    all.push_back({gauge.name, "gauge", "source", gauge.help});
  }
  return all;
}

struct Metrics::Families {
  explicit Families(prometheus::Registry& registry)
      : requests(family(BuildCounter(), http_requests, registry)),
        duration(family(BuildHistogram(), http_duration, registry)),
        streamed(family(BuildCounter(), stream_events, registry).Add({})),
        readers(family(BuildGauge(), stream_readers, registry).Add({})),
        up(family(BuildGauge(), history_up, registry).Add({})),
        health(family(BuildGauge(), source_health, registry)) {
    for (const SourceGauge& gauge : source_gauges) {
      sources.emplace_back(gauge.field,
                           &BuildGauge().Name(gauge.name).Help(gauge.help).Register(registry));
    }
  }

  Family<prometheus::Counter>& requests;
  Family<prometheus::Histogram>& duration;
  prometheus::Counter& streamed;
  Gauge& readers;
  Gauge& up;
  Family<Gauge>& health;
  std::vector<std::pair<const char*, Family<Gauge>*>> sources;
};

Metrics::Metrics()
    : registry_(std::make_shared<prometheus::Registry>()),
      families_(std::make_unique<Families>(*registry_)) {}
Metrics::~Metrics() = default;

void Metrics::count_request(std::string_view route, int status, std::chrono::microseconds took) {
  static const prometheus::Histogram::BucketBoundaries seconds{0.001, 0.005, 0.01, 0.05,
                                                               0.1,   0.5,   1,    5};
  std::string name(route);
  families_->requests.Add({{"route", name}, {"status", std::to_string(status)}}).Increment();
  families_->duration.Add({{"route", name}}, seconds)
      .Observe(std::chrono::duration<double>(took).count());
}

void Metrics::count_streamed(std::size_t events) {
  families_->streamed.Increment(static_cast<double>(events));
}

namespace {

double number_of(const nlohmann::ordered_json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  return value.is_array() ? static_cast<double>(value.size()) : value.get<double>();
}

double number_of_level(const std::string& level) {
  return level == "good" ? 0 : level == "attention" ? 1 : 2;
}

}  // namespace

std::string Metrics::exposition(const Services& services) {
  families_->readers.Set(static_cast<double>(services.live->subscribers()));
  auto sources = source_status(services);
  families_->up.Set(sources ? 1 : 0);
  for (const auto& source : sources.value_or(nlohmann::ordered_json::array())) {
    prometheus::Labels labels{{"source", source.value("source", "")}};
    families_->health.Add(labels).Set(number_of_level(source["health"].value("level", "")));
    for (const auto& [field, family] : families_->sources) {
      Gauge& gauge = family->Add(labels);
      auto found = source.find(field);
      // What is not known now must not keep the value of an earlier time.
      if (found == source.end() || found->is_null())
        family->Remove(&gauge);
      else
        gauge.Set(number_of(*found));
    }
  }
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace bemi::serve
