// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/feed.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <fmt/format.h>

#include "base/number.hpp"
#include "query/change_json.hpp"
#include "query/known_names.hpp"
#include "query/reach.hpp"
#include "query/reading.hpp"
#include "store/schema.hpp"

namespace bemi::query {
namespace {

// Spans that people count in, in seconds.
constexpr std::array<std::int64_t, 19> spans{
    1,     5,     10,    30,     60,     300,     600,     1800,    3600,    10800,
    21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000};

// Beyond so many changes a count over all of them is an estimate from a sample.
constexpr std::int64_t exact_count_max = 2'000'000;
constexpr std::int64_t sampled_rows = 400'000;

// After a position within its source. Where no later epoch has begun, this is the order of the
// index on time; positions of another epoch may be lower at the same time.
std::string after(Where& where, const SeenPosition& seen, bool is_newest_epoch) {
  std::string at = where.bind(seen.effective_at);
  if (is_newest_epoch) {
    return fmt::format("(effective_at, commit_position, sequence) > ({}::timestamptz, {}, {})", at,
                       seen.commit_position, seen.sequence);
  }
  return fmt::format(
      "effective_at >= {}::timestamptz and (epoch, commit_position, sequence) > ({}, {}, {})", at,
      seen.epoch, seen.commit_position, seen.sequence);
}

constexpr const char* position_columns = "source, effective_at, epoch, commit_position, sequence";
constexpr const char* commit_order = "effective_at, epoch, commit_position, sequence";
constexpr const char* index_order = "effective_at, commit_position, sequence";
constexpr const char* page_order =
    "effective_at desc, commit_position desc, sequence desc, id desc";

std::int64_t span_for(double seconds, int buckets) {
  double wanted = seconds / buckets;
  auto fitting = std::ranges::find_if(
      spans, [&](std::int64_t span) { return static_cast<double>(span) >= wanted; });
  return fitting == spans.end() ? spans.back() : *fitting;
}

}  // namespace

bool SeenPosition::before(const SeenPosition& other) const {
  return std::tie(epoch, commit_position, sequence) <
         std::tie(other.epoch, other.commit_position, other.sequence);
}

void advance(Seen& seen, const SeenPosition& position) {
  auto known = std::ranges::find(seen, position.source, &SeenPosition::source);
  if (known == seen.end()) {
    seen.push_back(position);
  } else if (known->before(position)) {
    *known = position;
  }
}

base::Result<Feed> Feed::open(pg::Connection& destination) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  return Feed(destination, store::changes_name(schema));
}

base::Result<FeedPage> Feed::older(const ChangeFilter& asked, const std::optional<Cursor>& from,
                                   std::int64_t limit) {
  TRY_ASSIGN(ChangeFilter filter, known_filter(*destination_, asked));
  TRY_ASSIGN(Floors floors, floors_of(*destination_, filter,
                                      from ? std::optional(from->effective_at) : std::nullopt));
  TRY_ASSIGN(std::string changes, among_times(*destination_, filter, table_));
  for (std::size_t step = 0;; ++step) {
    TRY_ASSIGN(FeedPage page, page_since(filter, from, limit, floors[step], changes));
    bool is_all = step + 1 == floors.size();
    if (page.changes.empty() && is_all && !from) TRY(check_context_keys(*destination_, filter));
    if (page.next || is_all) return page;
  }
}

base::Result<FeedPage> Feed::page_since(const ChangeFilter& filter,
                                        const std::optional<Cursor>& from, std::int64_t limit,
                                        const std::optional<std::string>& floor,
                                        const std::string& changes) {
  Where where;
  TRY(add_filter(where, filter));
  add_floor(where, floor);
  if (from) {
    std::string at = where.bind(from->effective_at);
    std::string id = where.bind(from->id);
    // The first condition is for the planner, which finds the partitions by it.
    where.add_raw(
        fmt::format("effective_at <= {0}::timestamptz and (effective_at, "
                    "commit_position, sequence, id) < ({0}::timestamptz, {1}, {2}, "
                    "{3}::uuid)",
                    at, from->commit_position, from->sequence, id));
  }
  // The index on time has this order; `id` settles what two sources did at once.
  std::string sql = "select effective_at, commit_position, sequence, id, " + change_json() +
                    " from " + first_changes(changes, where.clause(), page_order, limit + 1);
  FeedPage page;
  Cursor last;
  TRY_ASSIGN(bool is_whole,
             read_within({.sql = sql, .parameters = where.parameters(), .bytes = page_bytes_max},
                         *destination_, [&](const pg::Rows& rows, int row) {
                           if (std::ssize(page.changes) == limit) return false;
                           page.changes.push_back(rows.text(row, 4));
                           last = {rows.text(row, 0), rows.integer(row, 1), rows.integer(row, 2),
                                   rows.text(row, 3)};
                           return true;
                         }));
  if (!is_whole && !page.changes.empty()) page.next = last;
  return page;
}

base::Result<std::optional<std::string>> Feed::one(const std::string& id) {
  // The id is led by the commit's milliseconds, but committed_at is no effective_at: every
  // partition's key is probed.
  TRY_ASSIGN(pg::Rows rows,
             destination_->query(
                 "select " + change_json() + " from " +
                     weighed(fmt::format("(select * from {} where id = $1::uuid) c", table_)),
                 {id}));
  if (rows.empty()) return std::nullopt;
  return rows.text(0, 0);
}

base::Result<Feed::Unseen> Feed::unseen(Where& where, const Seen& seen) {
  if (seen.empty()) return Unseen{"true", commit_order};
  TRY_ASSIGN(auto now, epochs());
  std::string known;
  std::string later;
  bool is_in_index_order = true;
  for (const SeenPosition& position : seen) {
    bool is_newest = std::ranges::none_of(now, [&](const auto& source) {
      return source.first == position.source && source.second != position.epoch;
    });
    is_in_index_order = is_in_index_order && is_newest;
    std::string source = where.bind(position.source);
    later += fmt::format("{}(source = {} and {})", later.empty() ? "" : " or ", source,
                         after(where, position, is_newest));
    known += (known.empty() ? "" : ", ") + source;
  }
  const char* order = is_in_index_order ? index_order : commit_order;
  // One source: no alternative stands between the condition and the index.
  if (now.size() == 1 && seen.size() == 1) return Unseen{later, order};
  return Unseen{"(" + later + " or source not in (" + known + "))", order};
}

base::Result<NewChanges> Feed::newer(const Seen& seen, std::span<const ChangeFilter* const> filters,
                                     std::int64_t limit) {
  Where where;
  std::string flags;
  for (const ChangeFilter* filter : filters) {
    where.begin_anew();
    TRY(add_filter(where, *filter));
    flags += ", (" + where.condition() + ") is true";
  }
  TRY_ASSIGN(Unseen wanted, unseen(where, seen));
  std::string sql =
      fmt::format("select {}, {}{} from {}", position_columns, change_json(), flags,
                  first_changes(table_, " where " + wanted.condition, wanted.order, limit + 1));
  return new_changes({.sql = sql, .parameters = where.parameters(), .bytes = page_bytes_max}, limit,
                     filters.size());
}

base::Result<NewChanges> Feed::missed(const Seen& seen, const ChangeFilter& filter,
                                      std::int64_t limit, std::size_t bytes) {
  Where where;
  TRY(add_filter(where, filter));
  TRY_ASSIGN(Unseen wanted, unseen(where, seen));
  where.add_raw(wanted.condition);
  std::string sql = fmt::format("select {}, {} from {}", position_columns, change_json(),
                                first_changes(table_, where.clause(), wanted.order, limit + 1));
  return new_changes({.sql = sql, .parameters = where.parameters(), .bytes = bytes}, limit, 0);
}

base::Result<NewChanges> Feed::new_changes(const Reading& reading, std::int64_t limit,
                                           std::size_t filters) {
  NewChanges found;
  auto take = [&](const pg::Rows& rows, int row) {
    if (std::ssize(found.changes) == limit) return false;
    NewChange& change = found.changes.emplace_back();
    change.position = {rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2),
                       rows.integer(row, 3), rows.integer(row, 4)};
    change.json = rows.text(row, 5);
    for (std::size_t i = 0; i < filters; ++i) {
      change.matches.push_back(rows.truth(row, static_cast<int>(6 + i)));
    }
    return true;
  };
  TRY_ASSIGN(bool is_whole, read_within(reading, *destination_, take));
  found.is_more = !is_whole;
  return found;
}

base::Result<Seen> Feed::ends() {
  TRY_ASSIGN(pg::Rows rows,
             destination_->run(fmt::format(
                 "select s.name, c.effective_at, c.epoch, c.commit_position, c.sequence from "
                 "_bemi.source s cross join lateral (select effective_at, epoch, commit_position, "
                 "sequence from {} where source = s.name order by effective_at desc, epoch desc, "
                 "commit_position desc, sequence desc limit 1) c",
                 table_)));
  Seen seen;
  for (int row = 0; row < rows.count(); ++row) {
    seen.push_back({rows.text(row, 0), rows.text(row, 1), rows.integer(row, 2),
                    rows.integer(row, 3), rows.integer(row, 4)});
  }
  return seen;
}

base::Result<std::vector<std::pair<std::string, std::int64_t>>> Feed::epochs() {
  TRY_ASSIGN(pg::Rows rows, destination_->run("select name, epoch from _bemi.source"));
  std::vector<std::pair<std::string, std::int64_t>> epochs;
  for (int row = 0; row < rows.count(); ++row) {
    epochs.emplace_back(rows.text(row, 0), rows.integer(row, 1));
  }
  return epochs;
}

base::Result<std::int64_t> Feed::stored() {
  TRY_ASSIGN(pg::Rows rows,
             destination_->run("select coalesce(sum(changes), 0)::bigint from _bemi.source"));
  return rows.integer(0, 0);
}

base::Result<std::string> Feed::histogram(const ChangeFilter& asked, int buckets) {
  TRY_ASSIGN(ChangeFilter filter, known_filter(*destination_, asked));
  TRY_ASSIGN(pg::Rows bounds,
             destination_->query(
                 fmt::format("select coalesce($1::timestamptz, min(effective_at), now()), "
                             "coalesce($2::timestamptz, greatest(now(), max(effective_at))), "
                             "extract(epoch from coalesce($2::timestamptz, now()) - "
                             "coalesce($1::timestamptz, min(effective_at), now()))::bigint, "
                             "(select coalesce(sum(changes), 0)::bigint from _bemi.source) from {}",
                             table_),
                 {filter.since, filter.until}));
  std::int64_t span = span_for(static_cast<double>(bounds.integer(0, 2)), buckets);
  ChangeFilter bounded = filter;
  bounded.since = bounds.text(0, 0);
  bounded.until.reset();
  if (filter.until) bounded.until = filter.until;
  Where where;
  TRY(add_filter(where, bounded));
  std::int64_t all = bounds.integer(0, 3);
  bool sampled = all > exact_count_max && !filter.since && !filter.table && filter.context.empty();
  double share = sampled ? static_cast<double>(sampled_rows) / static_cast<double>(all) : 1.0;
  std::string since = where.bind(bounds.text(0, 0));
  std::string until = where.bind(bounds.text(0, 1));
  std::string sql = fmt::format(
      R"(select json_build_object('since', {3}::timestamptz, 'until', {4}::timestamptz,
  'seconds', {0}, 'estimated', {6}, 'buckets', coalesce(json_agg(b order by b.at), '[]'))
from (select date_bin('{0} seconds', effective_at, '2000-01-03 00:00:00+00') as at,
  round(count(*) filter (where operation = 'CREATE') / {5}::numeric) as created,
  round(count(*) filter (where operation = 'UPDATE') / {5}::numeric) as updated,
  round(count(*) filter (where operation = 'DELETE') / {5}::numeric) as deleted,
  round(count(*) filter (where operation in ('TRUNCATE', 'SCHEMA')) / {5}::numeric) as other,
  round(count(*) filter (where operation = 'SNAPSHOT') / {5}::numeric) as baseline
  from {1}{7}{2} group by 1) b)",
      span, table_, where.clause(), since, until, share, sampled,
      sampled ? fmt::format(" tablesample system ({}) repeatable (1)", share * 100) : "");
  TRY_ASSIGN(pg::Rows rows, destination_->query(sql, where.parameters()));
  return rows.text(0, 0);
}

}  // namespace bemi::query
