// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/changes.hpp"

#include <fmt/format.h>

#include "change/change_columns.hpp"
#include "query/known_names.hpp"
#include "query/past.hpp"
#include "query/reach.hpp"
#include "store/schema.hpp"

namespace bemi::query {
namespace {

// "id, source, ..."
base::Result<Where> where_of(const ChangeFilter& filter) {
  Where where;
  TRY(add_filter(where, filter));
  return where;
}

}  // namespace

base::Result<Changes> Changes::open(pg::Connection& destination) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  return Changes(destination, store::changes_name(schema));
}

// The place of the change with this id in the order.
base::Result<Changes::Place> Changes::place_of(const std::string& id) {
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(fmt::format("select effective_at, epoch, commit_position, sequence "
                                      "from {} where id::text = lower($1) and "
                                      "id = case when $1 ~* '^[0-9a-f-]{{36}}$' then $1::uuid end",
                                      table_),
                          {id}));
  if (rows.empty()) {
    return base::fail(base::ErrorKind::usage, "there is no change of id " + id,
                      "give the `id` of a change, as --format json or csv has it");
  }
  return Place{.at = rows.text(0, 0),
               .id = id,
               .epoch = rows.integer(0, 1),
               .commit_position = rows.integer(0, 2),
               .sequence = rows.integer(0, 3)};
}

std::string Changes::select_list() const {
  std::string list;
  for (const change::ChangeColumn& column : change::change_columns) {
    list += (list.empty() ? "" : ", ") + pg::quote_identifier(column.name);
    // As JSON writes it.
    if (column.form == change::ColumnForm::boolean) list += "::text";
  }
  if (!is_readable_) return list;
  return list + ", (select " + readable_changes +
         " from (select _bemi.difference(before, after) as changed) d) as changes";
}

void Changes::add_cursor(Where& where, const Place& place, const char* comparison) {
  std::string at = where.bind(place.at);
  std::string tie = where.bind(place.id);
  // The first condition is for the index.
  where.add_raw(
      fmt::format("effective_at {0}= {1}::timestamptz and (effective_at, epoch, commit_position, "
                  "sequence, id) {0} "
                  "({1}::timestamptz, {2}, {3}, {4}, {5}::uuid)",
                  comparison, at, place.epoch, place.commit_position, place.sequence, tie));
}

base::Result<pg::Rows> Changes::newest(const ChangeFilter& asked, std::int64_t limit,
                                       const std::optional<std::string>& before) {
  TRY_ASSIGN(ChangeFilter filter, known_filter(*destination_, asked));
  std::optional<Place> end;
  if (before) {
    TRY_ASSIGN(end, place_of(*before));
  }
  TRY_ASSIGN(Floors floors,
             floors_of(*destination_, filter, end ? std::optional(end->at) : std::nullopt));
  TRY_ASSIGN(std::string changes, among_times(*destination_, filter, table_));
  for (std::size_t step = 0;; ++step) {
    TRY_ASSIGN(Where where, where_of(filter));
    add_floor(where, floors[step]);
    if (end) add_cursor(where, *end, "<");
    std::string sql = fmt::format(
        "select * from (select {} from {}{} order by effective_at desc, epoch desc, "
        "commit_position desc, sequence desc, id desc limit {}) newest "
        "order by effective_at, epoch, commit_position, sequence, id",
        select_list(), changes, where.clause(), limit);
    TRY_ASSIGN(pg::Rows rows, destination_->query(sql, where.parameters()));
    bool is_all = step + 1 == floors.size();
    if (rows.empty() && is_all && !before) TRY(check_context_keys(*destination_, filter));
    if (rows.count() == limit || is_all) return rows;
  }
}

base::Result<pg::Rows> Changes::next(const ChangeFilter& filter, std::int64_t limit,
                                     const std::string& after) {
  TRY_ASSIGN(Where where, where_of(filter));
  TRY_ASSIGN(Place place, place_of(after));
  add_cursor(where, place, ">");
  return destination_->query(
      fmt::format("select {} from {}{} order by effective_at, epoch, commit_position, sequence, id "
                  "limit {}",
                  select_list(), table_, where.clause(), limit),
      where.parameters());
}

base::Result<pg::Rows> Changes::after(const ChangeFilter& filter, const std::vector<Position>& seen,
                                      std::int64_t limit) {
  TRY_ASSIGN(Where where, where_of(filter));
  std::string known;
  std::string beyond;
  for (const Position& position : seen) {
    std::string source = where.bind(position.source);
    beyond += fmt::format("{}(source = {} and (epoch, commit_position, sequence) > ({}, {}, {}))",
                          beyond.empty() ? "" : " or ", source, position.epoch,
                          position.commit_position, position.sequence);
    known += (known.empty() ? "" : ", ") + source;
  }
  if (!seen.empty()) where.add_raw("(" + beyond + " or source not in (" + known + "))");
  std::string sql = fmt::format(
      "select {} from {}{} order by effective_at, epoch, commit_position, sequence limit {}",
      select_list(), table_, where.clause(), limit);
  return destination_->query(sql, where.parameters());
}

base::Result<std::vector<Position>> Changes::ends() {
  TRY_ASSIGN(pg::Rows rows,
             destination_->run("select s.name, c.epoch, c.commit_position, c.sequence "
                               "from _bemi.source s cross join lateral "
                               "_bemi.newest_of_source(s.name) c where c.id is not null"));
  std::vector<Position> ends;
  for (int row = 0; row < rows.count(); ++row) {
    ends.push_back(
        {rows.text(row, 0), rows.integer(row, 1), rows.integer(row, 2), rows.integer(row, 3)});
  }
  return ends;
}

}  // namespace bemi::query
