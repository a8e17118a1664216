// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/as_of.hpp"

#include <algorithm>
#include <utility>

namespace bemi::query {
namespace {

using PastRows = std::vector<PastRow>;

std::pair<std::size_t, std::string> place_of(const std::string& key) { return {key.size(), key}; }

void sort(PastRows& rows) {
  std::ranges::sort(rows, {},
                    [](const PastRow& row) { return place_of(row.primary_key.value_or(row.row)); });
}

void cut(PastRows& rows, const PastOptions& options) {
  if (options.after) {
    std::erase_if(rows, [&](const PastRow& row) {
      return place_of(row.primary_key.value_or("")) <= place_of(*options.after);
    });
  }
  if (options.limit && rows.size() > static_cast<std::size_t>(*options.limit)) {
    rows.resize(static_cast<std::size_t>(*options.limit));
  }
}

base::Result<PastRows> forward(pg::Connection& history, const Asked& asked) {
  TRY_ASSIGN(pg::Rows rows,
             rows_as_of(history, asked.moment, asked.table, asked.key, asked.options));
  return past_rows(rows);
}

}  // namespace

base::Result<PastRows> as_of(pg::Connection& history, Plan& plan, const Asked& asked) {
  if (plan.way == Plan::Way::forward) return forward(history, asked);
  auto walked = walk_back(history, *plan.live, asked);
  if (walked) {
    sort(*walked);
    cut(*walked, asked.options);
    return walked;
  }
  // If the walk back fails, stored data may be enough.
  if (!plan.forward_refused) return forward(history, asked);
  base::Error error = walked.error();
  error.message = plan.forward_refused->message + ", and " + error.message;
  return std::unexpected(std::move(error));
}

}  // namespace bemi::query
