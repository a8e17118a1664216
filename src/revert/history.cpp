// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/history.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "query/known_names.hpp"
#include "query/reach.hpp"
#include "revert/limits.hpp"
#include "store/schema.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

}  // namespace

base::Result<History> History::open(pg::Connection& destination, query::ChangeFilter filter,
                                    const std::string& source,
                                    const std::vector<std::string>& extra,
                                    const FindPartitions& partitions) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  History history(destination, store::changes_name(schema));
  history.source_ = source;
  filter.source = source;
  TRY_ASSIGN(filter, query::known_filter(destination, std::move(filter)));
  TRY_ASSIGN(history.condition_, query::condition_of(filter));
  if (!extra.empty()) {
    history.condition_.parameters.emplace_back(json(extra).dump());
    std::string parameter = fmt::format("${}", history.condition_.parameters.size());
    history.condition_.sql =
        fmt::format("(({}) or {})", history.condition_.sql, query::among_ids(parameter));
  }
  TRY(destination.run("begin isolation level repeatable read read only"));
  history.asked_ = history.condition_.sql;
  TRY(check_reached(destination, source, filter));
  std::string among = history.changes_;
  if (extra.empty()) {
    TRY_ASSIGN(among, query::among_times(destination, filter, history.changes_));
  }
  TRY(history.select(among));
  if (history.selected_.changes == 0) TRY(query::check_context_keys(destination, filter));
  TRY(history.load_tables(partitions));
  TRY(history.note_gaps());
  return history;
}

// A time that the history has not reached would select whatever is there by chance.
base::Status check_reached(pg::Connection& destination, const std::string& source,
                           const query::ChangeFilter& filter) {
  for (const auto& time : {filter.since, filter.until}) {
    if (!time) continue;
    TRY(destination.query("select _bemi.refuse_unreached($1, $2::timestamptz)", {source, time}));
  }
  return {};
}

void History::close() { [[maybe_unused]] auto ended = destination_->run("rollback"); }

base::Status History::select(const std::string& among) {
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(
          fmt::format(
              "select schema, \"table\", count(*) filter (where operation <> 'SCHEMA'), "
              "count(*) filter (where operation = 'SCHEMA'), "
              "(min(min(effective_at)) over ())::text, (max(max(effective_at)) over ())::text "
              "from (select * from {}) c where {} and operation <> 'SNAPSHOT' group by 1, 2 order "
              "by 1, 2",
              among, condition_.sql),
          condition_.parameters));
  std::string altered;
  for (int row = 0; row < rows.count(); ++row) {
    selected_.changes += rows.integer(row, 2);
    if (rows.integer(row, 3) > 0) {
      altered += (altered.empty() ? "" : ", ") + rows.text(row, 0) + "." + rows.text(row, 1);
    }
    if (rows.integer(row, 2) > 0) names_.emplace_back(rows.text(row, 0), rows.text(row, 1));
    since_ = rows.text(row, 4);
    last_ = rows.text(row, 5);
  }
  if (!altered.empty()) {
    selected_.warnings.push_back("how tables are defined is not undone: " + altered);
  }
  if (selected_.changes == 0) return {};
  TRY(bound());
  TRY_ASSIGN(pg::Rows ids,
             destination_->query(
                 fmt::format("select transaction_id from {} c where {} and operation <> 'SNAPSHOT' "
                             "group by epoch, transaction_id order by epoch desc, "
                             "transaction_id desc limit {}",
                             changes_, condition_.sql, limits::transactions_known_max),
                 condition_.parameters));
  for (int row = ids.count() - 1; row >= 0; --row) {
    selected_.transactions.push_back(ids.integer(row, 0));
  }
  TRY(note_what_went_too());
  TRY(find_reverts());
  return {};
}

// The planner opens only partitions that a query's own constants do not rule out.
base::Status History::bound() {
  TRY_ASSIGN(pg::Rows rows,
             destination_->query("select date_trunc(d.partition_by, $1::timestamptz, 'UTC')::text "
                                 "from _bemi.destination d",
                                 {since_}));
  floor_ = pg::quote_literal(rows.text(0, 0)) + "::timestamptz";
  condition_.sql = asked_ =
      fmt::format("(({}) and effective_at between {}::timestamptz and {}::timestamptz)",
                  condition_.sql, pg::quote_literal(since_), pg::quote_literal(last_));
  return {};
}

// A deleted row rarely goes alone: its children go in the same transaction, by a cascade or before
// it, and a selection by table or key leaves them behind.
base::Status History::note_what_went_too() {
  std::string deletes =
      fmt::format("from {} c where {} and operation = 'DELETE'", changes_, condition_.sql);
  TRY_ASSIGN(pg::Rows found,
             destination_->query(fmt::format("select distinct epoch, transaction_id {} limit {}",
                                             deletes, limits::related_transactions_max + 1),
                                 condition_.parameters));
  if (found.empty() || found.count() > limits::related_transactions_max) return {};
  std::vector<pg::Parameter> parameters = condition_.parameters;
  parameters.emplace_back(source_);
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(
          fmt::format("with gone as materialized (select distinct epoch, commit_position, "
                      "effective_at {0}) select c.schema, c.\"table\", count(*) from "
                      "gone g join {1} c using (epoch, commit_position, effective_at) where "
                      "c.source = ${2} and c.operation = 'DELETE' and not coalesce({3}, false) "
                      "and c.effective_at >= {4} group by 1, 2 order by 1, 2",
                      deletes, changes_, parameters.size(), "(" + condition_.sql + ")", floor_),
          parameters));
  if (rows.empty()) return {};
  std::string gone;
  for (int row = 0; row < rows.count(); ++row) {
    gone += fmt::format("{}{} of {}.{}", gone.empty() ? "" : ", ", rows.integer(row, 2),
                        rows.text(row, 0), rows.text(row, 1));
  }
  selected_.warnings.push_back(
      "rows that were deleted in the same transaction stay deleted: " + gone +
      (found.count() == 1 ? "; to restore them too, undo the whole transaction " + found.text(0, 1)
                          : "; to restore them too, undo the whole transactions"));
  return {};
}

namespace {

struct PastRevert {
  std::int64_t id = 0;
  std::vector<std::int64_t> of;
  bool partial = false;
  bool more = false;  // it does not name all that it undid
  bool cancelled = false;
};

std::vector<PastRevert> read_reverts(const pg::Rows& rows) {
  std::vector<PastRevert> reverts;
  for (int row = 0; row < rows.count(); ++row) {
    PastRevert& revert = reverts.emplace_back();
    revert.id = rows.integer(row, 0);
    auto of = json::parse(rows.text(row, 1), nullptr, /*allow_exceptions=*/false);
    for (const json& id : of) {
      if (id.is_number_integer()) revert.of.push_back(id.get<std::int64_t>());
    }
    revert.partial = rows.truth(row, 2);
    revert.more = rows.truth(row, 3);
  }
  return reverts;
}

// A revert that was itself reverted, whole, is as if neither had been.
void cancel_pairs(std::vector<PastRevert>& reverts, const std::set<std::int64_t>& ours) {
  for (std::size_t i = reverts.size(); i-- > 0;) {
    PastRevert& later = reverts[i];
    if (later.cancelled || later.partial || later.more || later.of.size() != 1 ||
        ours.contains(later.id))
      continue;
    auto earlier = std::ranges::find(reverts, later.of.front(), &PastRevert::id);
    if (earlier == reverts.end() || earlier->cancelled || ours.contains(earlier->id)) continue;
    earlier->cancelled = later.cancelled = true;
  }
}

std::string listed(const std::string& list, std::int64_t id) {
  return list + (list.empty() ? "" : ", ") + std::to_string(id);
}

}  // namespace

// Reverts of nothing but selected transactions, and the reverts of these, belong to the selection
// as far as they wrote the same rows: what was undone has no effect left, what was redone has it
// again.
base::Status History::find_reverts() {
  TRY_ASSIGN(
      pg::Rows rows,
      destination_->query(
          fmt::format("select transaction_id, (array_agg(context -> 'revert_of'))[1]::text, "
                      "bool_or(context ? 'revert_partial'), bool_or(context ? 'revert_more') "
                      "from {} c where source = $1 and "
                      "effective_at >= $2::timestamptz and context ? 'revert_of' "
                      "group by epoch, commit_position, transaction_id "
                      "order by epoch, commit_position",
                      changes_),
          {source_, since_}));
  std::vector<PastRevert> past = read_reverts(rows);
  std::set<std::int64_t> ours(selected_.transactions.begin(), selected_.transactions.end());
  std::string reverts;
  for (const PastRevert& revert : past) {
    bool only_ours =
        !revert.of.empty() && !revert.more &&
        std::ranges::all_of(revert.of, [&](std::int64_t id) { return ours.contains(id); });
    if (only_ours && ours.insert(revert.id).second) reverts = listed(reverts, revert.id);
  }
  cancel_pairs(past, ours);
  std::string cancelled;
  for (const PastRevert& revert : past) {
    if (revert.cancelled) cancelled = listed(cancelled, revert.id);
  }
  if (!cancelled.empty()) {
    counted_ = fmt::format("not (c.transaction_id in ({}) and c.context ? 'revert_of')", cancelled);
  }
  if (!reverts.empty()) {
    condition_.sql = fmt::format(
        "(({}) or transaction_id in ({}) and context ? 'revert_of' and effective_at >= {})",
        condition_.sql, reverts, floor_);
  }
  return {};
}

// A partition that was emptied by itself has no history of its own: its rows have the root's name.
base::Status History::load_tables(const FindPartitions& partitions) {
  TRY_ASSIGN(pg::Rows known,
             destination_->query("select distinct schema, \"table\" from _bemi.relation_version "
                                 "where source = $1",
                                 {source_}));
  std::set<std::pair<std::string, std::string>> tables;
  for (int row = 0; row < known.count(); ++row) {
    tables.emplace(known.text(row, 0), known.text(row, 1));
  }
  std::ranges::copy_if(names_, std::back_inserter(selected_.unknown),
                       [&](const auto& name) { return !tables.contains(name); });
  TRY_ASSIGN(std::vector<EmptiedPartition> emptied, partitions(selected_.unknown));
  for (const EmptiedPartition& one : emptied) {
    std::erase(selected_.unknown, std::pair(one.schema, one.table));
  }
  TRY_ASSIGN(tables_,
             load_past_tables(*destination_, changes_, source_, names_, emptied, condition_));
  return {};
}

base::Status History::note_gaps() {
  if (selected_.changes == 0) return {};
  TRY_ASSIGN(pg::Rows gaps,
             destination_->query(
                 "select previous_until::text, began_at::text from _bemi.epoch where source = $1 "
                 "and began_at >= $2::timestamptz and previous_until is not null order by epoch",
                 {source_, since_}));
  for (int row = 0; row < gaps.count(); ++row) {
    selected_.warnings.push_back(
        fmt::format("nothing is known of what happened between {} and {}: rows are compared with "
                    "what is there now alone",
                    gaps.text(row, 0), gaps.text(row, 1)));
  }
  return {};
}

base::Result<std::vector<ChangeRef>> History::changes(const std::vector<std::string>& ids) {
  std::vector<ChangeRef> found;
  if (ids.empty()) return found;
  TRY_ASSIGN(pg::Rows rows,
             destination_->query(fmt::format("select id::text, transaction_id, effective_at::text, "
                                             "(context - 'SQL')::text from {} where {} "
                                             "and effective_at >= {}",
                                             changes_, query::among_ids("$1"), floor_),
                                 {json(ids).dump()}));
  for (int row = 0; row < rows.count(); ++row) {
    found.push_back({.id = rows.text(row, 0),
                     .transaction_id = rows.integer(row, 1),
                     .effective_at = rows.text(row, 2),
                     .context = rows.text(row, 3)});
  }
  return found;
}

base::Result<std::vector<std::string>> History::changes_of_row(const std::string& schema,
                                                               const std::string& table,
                                                               const std::string& key) {
  TRY_ASSIGN(pg::Rows rows, destination_->query(fmt::format(R"(
with since as (
  select c.* from {0} c where c.source = $1 and c.schema = $2 and c."table" = $3 and c.primary_key = $4
    and c.effective_at >= $5::timestamptz and c.{1}
), made as (
  select epoch, commit_position, sequence from since where operation = 'CREATE'
  order by epoch desc, commit_position desc, sequence desc limit 1
)
select s.id::text from since s
where not exists (select from made m where (s.epoch, s.commit_position, s.sequence)
                                         < (m.epoch, m.commit_position, m.sequence)))",
                                                            changes_, row_changes),
                                                {source_, schema, table, key, since_}));
  std::vector<std::string> ids;
  for (int row = 0; row < rows.count(); ++row) ids.push_back(rows.text(row, 0));
  return ids;
}

}  // namespace bemi::revert
