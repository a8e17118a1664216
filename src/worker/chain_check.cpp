// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/chain_check.hpp"

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/log.hpp"
#include "store/schema.hpp"

namespace bemi::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto interval = 5s;
constexpr auto interval_after_failure = 60s;

constexpr const char* select_newest =
    "select coalesce(last_change_at, '-infinity')::text from _bemi.source where name = $1";

// Up to a hundred of the newest 500 changes, each with the previous change of the same row. Changes
// that have a reason to differ are left out: a row seen for the first time, or twice in one
// transaction, or under another key; values that are not plainly captured; a table that changed its
// shape in between, or was read again, or has a gap on record there.
constexpr const char* select_pairs = R"(
with newest as materialized (
  select c.id, c.source, c.schema, c."table", c.primary_key, c.operation, c.before, c.fidelity, c.epoch,
         c.effective_at, c.commit_position, c.sequence
  from {0} c where c.effective_at >= $2 order by c.effective_at desc, c.commit_position desc, c.sequence desc limit 500
), asked as (
  select * from newest where source = $1 and operation in ('UPDATE', 'DELETE') and primary_key is not null
    and fidelity is null order by random() limit 100
)
select c.id, p.id, c.schema, c."table", c.primary_key, c.before::text, p.after::text
from asked c cross join lateral (
  select p.id, p.after, p.operation, p.fidelity, p.commit_position, p.effective_at from {0} p
  where p."table" = c."table" and p.primary_key = c.primary_key and p.schema = c.schema and p.source = c.source
    and p.epoch = c.epoch and p.effective_at <= c.effective_at
    and (p.commit_position, p.sequence) < (c.commit_position, c.sequence)
  order by p.effective_at desc, p.commit_position desc, p.sequence desc limit 1) p
where p.operation in ('CREATE', 'UPDATE') and p.fidelity is null and p.commit_position < c.commit_position
  and c.before is distinct from p.after
  and not exists (select from _bemi.finding f where f.change = c.id)
  and not exists (
    select from _bemi.relation_version v where v.source = c.source and v.schema = c.schema and v."table" = c."table"
      and v.epoch = c.epoch and v.position between p.commit_position and c.commit_position)
  and not exists (
    select from _bemi.coverage v where v.source = c.source and v.schema = c.schema and v."table" = c."table"
      and v.epoch = c.epoch and v.position between p.commit_position and c.commit_position)
  and not exists (
    select from _bemi.key_change k where k.source = c.source and k.schema = c.schema and k."table" = c."table"
      and k.previous_key = c.primary_key and k.epoch = c.epoch
      and k.commit_position between p.commit_position and c.commit_position)
  and not exists (
    select from _bemi.key_change k where k.source = c.source and k.epoch = c.epoch
      and (k.commit_position, k.sequence) = (c.commit_position, c.sequence))
  and not exists (
    select from _bemi.gap g where g.source = c.source and g.epoch = c.epoch
      and (g.relation is null or g.schema = c.schema and g."table" = c."table")
      and coalesce(g.from_position, '0/0') <= '0/0'::pg_lsn + c.commit_position
      and coalesce(g.to_position, 'FFFFFFFF/FFFFFFFF') >= '0/0'::pg_lsn + p.commit_position))";

constexpr const char* insert_finding = R"(
insert into _bemi.finding (source, kind, change, previous, schema, "table", primary_key, columns)
values ($1, 'image chain', $2, $3, $4, $5, $6, array(select jsonb_array_elements_text($7::jsonb)))
on conflict do nothing)";

// The JSON string's text; names hold nothing that needs more than this to be compared.
std::string text_of(std::string_view quoted) {
  return std::string(quoted.substr(1, quoted.size() - 2));
}

}  // namespace

ChainCheck::ChainCheck(const pipeline::Settings& settings, std::string source_name,
                       const base::Interrupt& interrupt)
    : settings_(&settings),
      source_name_(std::move(source_name)),
      interrupt_(&interrupt),
      periodic_(interval, [this] { return look(); }) {}

std::chrono::milliseconds ChainCheck::look() {
  base::Status done = compare();
  if (done || interrupt_->triggered()) return interval;
  base::log::warning("comparing changes with what was stored before: {}", done.error().message);
  destination_.reset();
  return interval_after_failure;
}

base::Status ChainCheck::compare() {
  if (!destination_) {
    TRY_ASSIGN(pg::Connection opened, pg::Connection::open({.url = settings_->destination_url,
                                                            .purpose = "bemi/chain",
                                                            .interrupt = interrupt_}));
    TRY_ASSIGN(std::string schema, store::history_schema(opened));
    changes_ = store::changes_name(schema);
    destination_.emplace(std::move(opened));
  }
  TRY_ASSIGN(pg::Rows newest, destination_->query(select_newest, {source_name_}));
  if (newest.empty() || newest.text(0, 0) == seen_until_) return {};
  TRY_ASSIGN(pg::Rows rows,
             destination_->query(fmt::format(select_pairs, changes_), {source_name_, seen_until_}));
  seen_until_ = newest.text(0, 0);
  for (int row = 0; row < rows.count(); ++row) {
    if (std::string columns = contradicted(rows, row); !columns.empty())
      TRY(note(rows, row, columns));
  }
  return {};
}

// A JSON array of the columns that differ; empty when none does. A change in ignored columns alone
// is not stored, so that they say nothing; nor do columns that only one side has.
std::string ChainCheck::contradicted(const pg::Rows& rows, int row) const {
  std::string before = rows.text(row, 5);
  std::string after = rows.text(row, 6);
  auto sent = base::json_members(before);
  auto stored = base::json_members(after);
  std::string columns;
  for (const auto& [name, value] : sent) {
    auto had = stored.find(name);
    if (had == stored.end() || had->second == value) continue;
    if (settings_->setup.selection.ignores(rows.text(row, 2), rows.text(row, 3), text_of(name)))
      continue;
    columns += (columns.empty() ? "[" : ",") + std::string(name);
  }
  return columns.empty() ? columns : columns + "]";
}

base::Status ChainCheck::note(const pg::Rows& rows, int row, const std::string& columns) {
  base::log::error(
      "a row of {}.{} was changed at the source without a change on record, in {}: the change {} "
      "says so; see _bemi.finding",
      rows.text(row, 2), rows.text(row, 3), columns, rows.text(row, 0));
  TRY(destination_->query(insert_finding,
                          {source_name_, rows.text(row, 0), rows.text(row, 1), rows.text(row, 2),
                           rows.text(row, 3), rows.text(row, 4), columns}));
  return {};
}

}  // namespace bemi::worker
