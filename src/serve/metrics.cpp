// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/metrics.hpp"

#include <nlohmann/json.hpp>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "query/overview.hpp"
#include "serve/destination.hpp"
#include "serve/live_feed.hpp"
#include "serve/source_status.hpp"

namespace bemi::serve {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Family;
using prometheus::Gauge;

struct Metrics::Families {
  explicit Families(prometheus::Registry& registry)
      : requests(BuildCounter()
                     .Name("bemi_http_requests_total")
                     .Help("Requests answered")
                     .Register(registry)),
        duration(BuildHistogram()
                     .Name("bemi_http_request_duration_seconds")
                     .Help("Time to an answer's first byte")
                     .Register(registry)),
        streamed(BuildCounter()
                     .Name("bemi_stream_events_total")
                     .Help("Changes sent to live streams")
                     .Register(registry)
                     .Add({})),
        readers(BuildGauge()
                    .Name("bemi_stream_readers")
                    .Help("Live streams that are open")
                    .Register(registry)
                    .Add({})),
        up(BuildGauge()
               .Name("bemi_history_up")
               .Help("1 when the history can be read")
               .Register(registry)
               .Add({})) {
    auto gauge = [&](const char* field, const char* name, const char* help) {
      sources.emplace_back(field, &BuildGauge().Name(name).Help(help).Register(registry));
    };
    gauge("lag_bytes", "bemi_source_lag_bytes", "WAL written at the source and not yet stored");
    gauge("retained_bytes", "bemi_slot_retained_bytes", "WAL that the source keeps for the slot");
    gauge("safe_wal_bytes", "bemi_slot_safe_wal_bytes", "WAL until the source cuts the slot off");
    gauge("slot_active", "bemi_slot_active", "1 when a worker reads the slot");
    gauge("progress_age_seconds", "bemi_source_progress_age_seconds", "Since the last progress");
    gauge("transactions", "bemi_source_transactions", "Transactions stored");
    gauge("changes", "bemi_source_changes", "Changes stored");
    gauge("changes_with_context", "bemi_source_changes_with_context", "Those with a context");
    gauge("contexts_rejected", "bemi_source_contexts_rejected", "Contexts kept aside");
    gauge("schema_refused", "bemi_source_schema_refused", "Messages of DDL that were not believed");
    gauge("messages_refused", "bemi_source_messages_refused",
          "Other messages with a prefix of Bemi's that are not Bemi's");
    gauge("open_gaps", "bemi_source_open_gaps", "Gaps that nobody has accepted");
    gauge("gaps", "bemi_source_gaps", "Gaps on record, accepted or not");
    gauge("parked", "bemi_source_parked", "What could not be stored as what it is");
  }

  Family<prometheus::Counter>& requests;
  Family<prometheus::Histogram>& duration;
  prometheus::Counter& streamed;
  Gauge& readers;
  Gauge& up;
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

std::string Metrics::exposition(const Services& services) {
  families_->readers.Set(static_cast<double>(services.live->subscribers()));
  auto sources = source_status(services);
  families_->up.Set(sources ? 1 : 0);
  if (sources) {
    for (const auto& source : *sources) {
      for (const auto& [field, family] : families_->sources) {
        auto found = source.find(field);
        if (found == source.end() || found->is_null()) continue;
        double value = found->is_boolean() ? (found->get<bool>() ? 1 : 0)
                       : found->is_array() ? static_cast<double>(found->size())
                                           : found->get<double>();
        family->Add({{"source", source.value("source", "")}}).Set(value);
      }
    }
  }
  return prometheus::TextSerializer().Serialize(registry_->Collect());
}

}  // namespace bemi::serve
