// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Plans how to find a table's rows as of a time: forward from a baseline or a checkpoint, or back
// from the live table. Costs are in rows that are read, as the servers' statistics estimate them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "query/walk_back.hpp"

namespace bemi::query {

struct Plan {
  enum class Way { forward, walk_back };
  Way way = Way::forward;
  std::string at;                  // the moment, as PostgreSQL prints it
  std::vector<std::string> lines;  // for --explain: each way, its cost, and which is taken
  std::optional<base::Error> forward_refused;  // why stored data alone cannot answer
  std::unique_ptr<LiveSide> live;              // what was reached
};

// The source of that name, or why it cannot be asked; called where that could matter.
using Reach = std::function<base::Result<std::unique_ptr<LiveSide>>(const std::string& source)>;

// `thorough`: all ways are looked at, also where one is cheap.
base::Result<Plan> plan(pg::Connection& history, const Reach& reach, const Asked& asked,
                        bool thorough);

}  // namespace bemi::query
