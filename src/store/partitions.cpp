// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/partitions.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "store/schema.hpp"
#include "store/sql.hpp"

namespace bemi::store {
namespace {

// A superuser makes it as itself: what event triggers of the application do then may need its
// rights.
constexpr const char* select_maker = R"(
select case when r.rolsuper then 'new_partition' else 'make_partition' end
from pg_roles r where r.rolname = current_user)";

using std::chrono::days;
using std::chrono::sys_days;

base::Timestamp timestamp(sys_days day) {
  return {std::chrono::microseconds(day.time_since_epoch()).count()};
}

}  // namespace

Window window_of(base::Timestamp time, PartitionBy by) {
  std::chrono::sys_time<std::chrono::microseconds> instant{std::chrono::microseconds(time.unix_us)};
  sys_days day = std::chrono::floor<days>(instant);
  std::chrono::year_month_day date(day);
  int year = static_cast<int>(date.year());
  unsigned month = static_cast<unsigned>(date.month());
  switch (by) {
    case PartitionBy::day:
      return {
          fmt::format("changes_{:04}_{:02}_{:02}", year, month, static_cast<unsigned>(date.day())),
          timestamp(day), timestamp(day + days(1))};
    case PartitionBy::week: {
      sys_days monday = day - days(std::chrono::weekday(day).iso_encoding() - 1);
      // ISO: a week belongs to the year of its Thursday.
      std::chrono::year_month_day thursday(monday + days(3));
      auto new_year = sys_days(thursday.year() / std::chrono::January / 1);
      long week = ((monday + days(3)) - new_year).count() / 7 + 1;
      return {fmt::format("changes_{:04}_w{:02}", static_cast<int>(thursday.year()), week),
              timestamp(monday), timestamp(monday + days(7))};
    }
    case PartitionBy::month: {
      auto first = date.year() / date.month() / 1;
      return {fmt::format("changes_{:04}_{:02}", year, month), timestamp(sys_days(first)),
              timestamp(sys_days(first + std::chrono::months(1)))};
    }
  }
  return {};
}

base::Result<Partitions> Partitions::load(pg::Connection& destination, std::string schema) {
  Partitions partitions;
  TRY_ASSIGN(pg::Rows setting, destination.run("select partition_by from _bemi.destination"));
  TRY_ASSIGN(partitions.by_, parse_partition_by(setting.empty() ? "month" : setting.text(0, 0)));
  TRY_ASSIGN(pg::Rows rows, destination.query(sql::list_partitions, {changes_name(schema)}));
  for (int row = 0; row < rows.count(); ++row) {
    partitions.windows_.push_back(
        {rows.text(row, 0), {rows.integer(row, 1)}, {rows.integer(row, 2)}});
  }
  partitions.schema_ = std::move(schema);
  return partitions;
}

bool Partitions::covers(base::Timestamp time) const {
  return std::ranges::any_of(windows_,
                             [&](const Window& w) { return w.from <= time && time < w.to; });
}

// A function on the server makes it: the history's writer must own nothing.
base::Status Partitions::create(pg::Connection& destination, base::Timestamp time) {
  Window window = window_of(time, by_);
  TRY_ASSIGN(pg::Rows maker, destination.run(select_maker));
  auto made = destination.query("select _bemi." + maker.text(0, 0) + "($1)", {base::format(time)});
  if (!made) {
    // A baseline stores beside the stream: the other one may have made it.
    TRY_ASSIGN(*this, load(destination, schema_));
    if (covers(time)) return {};
    return std::unexpected(made.error().within("cannot make the partition " + window.name));
  }
  windows_.push_back(std::move(window));
  return {};
}

}  // namespace bemi::store
