// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Which way to a table's past rows is cheaper: forward from stored data, or back from the live
// table. Costs are in rows that are read. Pure; plan.cpp asks the servers for their estimates.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bemi::query {

struct ForwardWay {
  bool refused = false;  // stored data alone cannot answer
  double cost = 1;
};

struct BackWay {
  double live_rows = 0;
  double changes_since = 0;  // the moment that is asked for
  std::optional<std::int64_t> live_rows_max;
};

// Whether the way back is worth a look, which asks the source. `thorough`: somebody wants to know.
bool is_back_of_interest(const ForwardWay& forward, bool thorough);

// nullopt: the live table has more rows than may be read.
std::optional<double> cost_of(const BackWay& back);
bool is_back_better(const ForwardWay& forward, const BackWay& back);

// A line for --explain.
std::string line_of(const BackWay& back);

}  // namespace bemi::query
