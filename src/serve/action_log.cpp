// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/action_log.hpp"

#include "base/log.hpp"

namespace bemi::serve {

base::Result<std::int64_t> ActionLog::begin(const Action& action) {
  base::log::info("{} ({}) from {}: {} {}", action.actor, action.role, action.peer, action.action,
                  action.target);
  auto written = [&]() -> base::Result<std::int64_t> {
    TRY_ASSIGN(pg::Connection connection, destination_->writer());
    TRY_ASSIGN(
        pg::Rows rows,
        connection.query("insert into _bemi.action (actor, role, peer, action, target, details) "
                         "values ($1, $2, $3, $4, $5, $6::jsonb) returning id",
                         {action.actor, action.role, action.peer, action.action, action.target,
                          action.details.empty() ? std::string("{}") : action.details}));
    return rows.integer(0, 0);
  }();
  bool may_do_without =
      !must_write_ && !written &&
      (written.error().sqlstate == "42501" || written.error().sqlstate == "25006");
  return may_do_without ? 0 : written;
}

void ActionLog::end(std::int64_t id, const std::string& outcome) {
  if (id == 0) return;
  auto connection = destination_->writer();
  if (!connection) return;  // It stays without an outcome, which says so.
  auto written = connection->query(
      "insert into _bemi.action_outcome (action, outcome) values ($1::bigint, $2)",
      {std::to_string(id), outcome});
  if (!written) base::log::warning("action {} has no outcome: {}", id, written.error().message);
}

void ActionLog::note_reading(const Action& action) {
  {
    std::lock_guard lock(mutex_);
    auto now = Readings::Clock::now();
    if (!readings_.is_first_in_hour(action.actor, action.peer, action.target, now)) return;
  }
  if (auto begun = begin(action); !begun) {
    base::log::warning("a reading by {} is not on record: {}", action.actor, begun.error().message);
  } else {
    end(*begun, "done");
  }
}

base::Result<std::string> ActionLog::list(std::int64_t before, std::int64_t limit,
                                          bool with_reads) {
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows, connection->query(R"(
select coalesce(json_agg(a order by id desc), '[]') from (
  select a.*, o.outcome, o.ended_at from _bemi.action a left join _bemi.action_outcome o on o.action = a.id
  where ($1::bigint = 0 or a.id < $1::bigint) and ($3::boolean or a.action <> 'read')
  order by a.id desc limit $2::bigint) a)",
                                              {std::to_string(before), std::to_string(limit),
                                               pg::boolean(with_reads)}));
  return rows.text(0, 0);
}

}  // namespace bemi::serve
