// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Metrics: what Prometheus reads at /metrics. Names and counts, never a value. For many threads.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "serve/services.hpp"

namespace prometheus {
class Registry;
}

namespace bemi::serve {

struct MetricDescription {
  const char* name;
  const char* type;    // as Prometheus has them: counter, gauge, histogram
  const char* labels;  // "route, status"; empty for none
  const char* help;
};
// All that /metrics can show, in its order.
std::vector<MetricDescription> metric_descriptions();

class Metrics {
 public:
  Metrics();
  ~Metrics();

  // `route`: a pattern of the router's, so that their number is bounded.
  void count_request(std::string_view route, int status, std::chrono::microseconds took);
  void count_streamed(std::size_t events);

  // Includes the sources' current state. If the history cannot be read, bemi_history_up is 0.
  std::string exposition(const Services& services);

 private:
  struct Families;
  std::shared_ptr<prometheus::Registry> registry_;
  std::unique_ptr<Families> families_;
};

}  // namespace bemi::serve
