// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/reading.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "query/feed.hpp"

namespace bemi::query {
namespace {

// Until it is known how large rows are.
constexpr std::size_t rows_first = 4;
constexpr std::size_t rows_max = 128;

std::size_t bytes_of(const pg::Rows& rows, int row) {
  std::size_t bytes = 0;
  for (int column = 0; column < rows.columns(); ++column) {
    bytes += rows.get(row, column).value_or("").size();
  }
  return bytes;
}

class Budget {
 public:
  explicit Budget(std::size_t bytes) : bytes_(bytes) {}

  void note(std::size_t bytes) {
    used_ += bytes;
    ++rows_;
  }
  [[nodiscard]] bool is_over() const {
    return rows_ > 0 && (used_ >= bytes_ || std::chrono::steady_clock::now() > end_);
  }
  // As many rows as are likely to fit, but not many more than before.
  [[nodiscard]] std::size_t next_rows() const {
    if (rows_ == 0) return rows_first;
    std::size_t fitting = (bytes_ - std::min(used_, bytes_)) / std::max(used_ / rows_, 1UL) + 1;
    return std::clamp(fitting, 1UL, std::min(rows_ * 3, rows_max));
  }

 private:
  std::size_t bytes_;
  std::size_t used_ = 0;
  std::size_t rows_ = 0;
  std::chrono::steady_clock::time_point end_ = std::chrono::steady_clock::now() + page_time_max;
};

base::Result<bool> fetch(const Reading& reading, pg::Connection& connection, const TakeRow& take) {
  // All rows are wanted, not the first tenth of them.
  TRY(connection.run("begin; set local cursor_tuple_fraction = 1"));
  TRY(connection.query("declare bemi_reading no scroll cursor for " + reading.sql,
                       reading.parameters));
  Budget budget(reading.bytes);
  while (!budget.is_over()) {
    std::size_t wanted = budget.next_rows();
    TRY_ASSIGN(pg::Rows rows, connection.run(fmt::format("fetch {} from bemi_reading", wanted)));
    for (int row = 0; row < rows.count(); ++row) {
      if (budget.is_over() || !take(rows, row)) return false;
      budget.note(bytes_of(rows, row));
    }
    if (static_cast<std::size_t>(rows.count()) < wanted) return true;
  }
  return false;
}

}  // namespace

base::Result<bool> read_within(const Reading& reading, pg::Connection& connection,
                               const TakeRow& take) {
  auto read = fetch(reading, connection, take);
  auto ended = connection.run("rollback");
  if (read && !ended) return std::unexpected(std::move(ended).error());
  return read;
}

}  // namespace bemi::query
