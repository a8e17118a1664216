// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/progress.hpp"

#include "store/sql.hpp"

namespace bemi::store {
namespace {

constexpr const char* select_progress = R"(
select database, slot, publication, state, coalesce(system_identifier, ''), coalesce(timeline, 0),
       epoch, coalesce(consistent_point, '0/0')::text, coalesce(position, '0/0')::text,
       coalesce((extract(epoch from effective_at) * 1000000)::bigint, 0)
from _bemi.source where name = $1)";

constexpr const char* insert_gap = R"(
insert into _bemi.gap (source, epoch, reason, from_position, to_position)
values ($1, $2, $3, $4, $5)
on conflict (source, epoch, reason) where accepted_at is null do nothing)";

SourceState parse_state(std::string_view text) {
  if (text == "streaming") return SourceState::streaming;
  if (text == "stopped") return SourceState::stopped;
  return SourceState::creating;
}

std::string name(SourceState state) {
  switch (state) {
    case SourceState::creating: return "creating";
    case SourceState::streaming: return "streaming";
    case SourceState::stopped: return "stopped";
  }
  return "";
}

pg::Parameter nullable(change::Lsn lsn) {
  if (!lsn.valid()) return std::nullopt;
  return change::format(lsn);
}

}  // namespace

base::Result<std::optional<Progress>> load_progress(pg::Connection& destination,
                                                    const std::string& source) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_progress, {source}));
  if (rows.empty()) return std::nullopt;
  return Progress{.source = source,
                  .database = rows.text(0, 0),
                  .slot = rows.text(0, 1),
                  .publication = rows.text(0, 2),
                  .state = parse_state(rows.text(0, 3)),
                  .system_identifier = rows.text(0, 4),
                  .timeline = static_cast<int>(rows.integer(0, 5)),
                  .epoch = static_cast<int>(rows.integer(0, 6)),
                  .consistent_point = change::parse_lsn(rows.text(0, 7)).value_or(change::Lsn{}),
                  .position = change::parse_lsn(rows.text(0, 8)).value_or(change::Lsn{}),
                  .effective_at = {rows.integer(0, 9)}};
}

base::Status save_progress(pg::Connection& destination, const Progress& progress) {
  pg::Parameter effective_at;
  if (progress.effective_at.unix_us != 0) effective_at = base::format(progress.effective_at);
  TRY(destination.query(
      sql::upsert_progress,
      {progress.source, progress.database, progress.slot, progress.publication,
       name(progress.state), progress.system_identifier, std::to_string(progress.timeline),
       std::to_string(progress.epoch), nullable(progress.consistent_point),
       change::format(progress.position), effective_at}));
  return {};
}

base::Status save_timeline(pg::Connection& destination, const std::string& source, int timeline) {
  TRY(destination.query("update _bemi.source set timeline = $2::int where name = $1",
                        {source, std::to_string(timeline)}));
  return {};
}

base::Status forget_source(pg::Connection& destination, const std::string& source) {
  TRY(destination.query("delete from _bemi.source where name = $1", {source}));
  return {};
}

base::Status note_worker(pg::Connection& destination, const WorkerNote& worker) {
  TRY(destination.query(
      "update _bemi.source set worker = jsonb_build_object('host', $2::text, 'pid', $3::int, "
      "'version', $4::text, 'started_at', now()) where name = $1",
      {worker.source, worker.host, std::to_string(worker.pid), worker.version}));
  return {};
}

base::Status record_gap(pg::Connection& destination, const Gap& gap) {
  TRY(destination.query(insert_gap, {gap.source, std::to_string(gap.epoch), gap.reason,
                                     nullable(gap.from), nullable(gap.to)}));
  return {};
}

base::Result<int> open_gaps(pg::Connection& destination, const std::string& source) {
  TRY_ASSIGN(
      pg::Rows rows,
      destination.query("select count(*) from _bemi.gap where source = $1 and accepted_at is null",
                        {source}));
  return static_cast<int>(rows.integer(0, 0));
}

base::Result<int> accept_gaps(pg::Connection& destination, const std::string& source) {
  TRY_ASSIGN(pg::Rows rows, destination.query("update _bemi.gap set accepted_at = now() "
                                              "where source = $1 and accepted_at is null",
                                              {source}));
  return static_cast<int>(rows.affected());
}

}  // namespace bemi::store
