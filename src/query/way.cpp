// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/way.hpp"

#include <fmt/format.h>

namespace bemi::query {
namespace {

// The cost of a fence and its way through the worker, and of a row that is read from the
// application's own database.
constexpr double fence_cost = 20'000;
constexpr double live_row_cost = 2;

}  // namespace

bool is_back_of_interest(const ForwardWay& forward, bool thorough) {
  return thorough || forward.refused || forward.cost > fence_cost;
}

std::optional<double> cost_of(const BackWay& back) {
  if (back.live_rows_max && back.live_rows > static_cast<double>(*back.live_rows_max)) {
    return std::nullopt;
  }
  return fence_cost + back.live_rows * live_row_cost + back.changes_since;
}

bool is_back_better(const ForwardWay& forward, const BackWay& back) {
  std::optional<double> cost = cost_of(back);
  return cost && (forward.refused || *cost < forward.cost);
}

std::string line_of(const BackWay& back) {
  std::optional<double> cost = cost_of(back);
  if (!cost) {
    return fmt::format("back from the live table: about {:.0f} rows are too many here",
                       back.live_rows);
  }
  return fmt::format(
      "back from the live table, cost {:.0f}: about {:.0f} rows, {:.0f} changes since", *cost,
      back.live_rows, back.changes_since);
}

}  // namespace bemi::query
