// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The flags of the verbs that answer about the past.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "cli/wait.hpp"
#include "host/config.hpp"
#include "query/past.hpp"

namespace CLI {
class App;
}

namespace bemi::cli {

inline constexpr const char* time_about =
    "The time: a timestamp, 2 hours ago, an LSN, a transaction id or a mark";

struct PastOptions {
  std::string source;  // its name in the history
  bool partial = false;
  bool allow_stale = false;
  Wait wait{};  // for a time that the history has not reached
};
void add_past_options(CLI::App& command, host::Config& config, PastOptions& options);
query::PastOptions past_of(const PastOptions& options);

// The flags that choose a span of the history.
struct SpanOptions {
  std::string since = "-infinity";
  std::string until = "infinity";
  std::string source;
  std::string format = "table";
};
void add_span_options(CLI::App& command, host::Config& config, SpanOptions& options);
base::Result<query::Span> span_of(pg::Connection& destination, const SpanOptions& options);

}  // namespace bemi::cli
