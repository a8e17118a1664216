// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/plan.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "query/way.hpp"
#include "store/schema.hpp"

namespace bemi::query {
namespace {

using nlohmann::json;

// The start of a forward answer. The field before the last explains the way, for callers that print
// it ($6).
constexpr const char* select_start = R"(
select p.at::text, coalesce(k.checkpoint, false), coalesce(k.since, '-infinity')::text, p.schema, p."table", p.relation, p.source,
       case when $6::boolean then (select string_agg(e, E'\n') from bemi.explain_as_of($1, p.at, $3, $4, $5) e) end,
       (select d.schema from _bemi.destination d)
from bemi.moment($2, $3, $5) m cross join lateral _bemi.find_place($1, m, $3, $4, $5) p
left join lateral (
  select c.checkpoint, c.since from _bemi.coverage c
  where c.source = p.source and c.epoch = p.epoch and c.relation = p.relation and c.since <= p.at
  order by c.position desc limit 1) k on true)";

constexpr const char* select_live_rows = R"(
select coalesce(sum(case when c.reltuples >= 0 then c.reltuples else pg_relation_size(c.oid) / 100 end), 0)::bigint
from pg_class c
where c.oid = $1::oid or c.oid in (select t.relid from pg_partition_tree($1::oid::regclass) t where t.isleaf))";

struct Start {
  std::string at;
  bool checkpoint = false;
  std::string since;
  std::string schema;
  std::string table;
  std::string relation;
  std::string source;
  std::string words;
  std::string history;  // the schema of `changes`
};

base::Result<Start> find_start(pg::Connection& history, const Asked& asked, bool partial,
                               bool with_words) {
  std::string name = quoted(asked.table);
  TRY_ASSIGN(pg::Rows rows,
             history.query(select_start,
                           {name, asked.moment, asked.options.source, pg::boolean(partial),
                            pg::boolean(asked.options.allow_stale), pg::boolean(with_words)}));
  return Start{.at = rows.text(0, 0),
               .checkpoint = rows.truth(0, 1),
               .since = rows.text(0, 2),
               .schema = rows.text(0, 3),
               .table = rows.text(0, 4),
               .relation = rows.text(0, 5),
               .source = rows.text(0, 6),
               .words = rows.text(0, 7),
               .history = rows.text(0, 8)};
}

// The server's own estimate of how many changes of the table there are between two times.
base::Result<double> changes_between(pg::Connection& history, const Start& start,
                                     const std::string& from, const std::string& to) {
  TRY_ASSIGN(pg::Rows rows,
             history.run(fmt::format(
                 "explain (format json) select from {} where \"table\" = {} and "
                 "schema = {} and effective_at > {} and effective_at <= {}",
                 store::changes_name(start.history), pg::quote_literal(start.table),
                 pg::quote_literal(start.schema), pg::quote_literal(from), pg::quote_literal(to))));
  auto plan = json::parse(rows.text(0, 0), nullptr, /*allow_exceptions=*/false);
  json::json_pointer estimated("/0/Plan/Plan Rows");
  return plan.is_array() && plan.contains(estimated) ? plan.at(estimated).get<double>() : 0;
}

std::string forward_line(const Start& start, double cost) {
  return fmt::format("forward from the {} of {}, cost {:.0f}{}{}",
                     start.checkpoint ? "checkpoint" : "baseline", start.since, cost,
                     start.words.empty() ? "" : ": ", start.words);
}

base::Result<double> live_rows(pg::Connection& source, const Asked& asked, const Start& start) {
  TRY_ASSIGN(pg::Rows rows, source.query(select_live_rows, {start.relation}));
  return asked.key ? 1 : static_cast<double>(rows.integer(0, 0));
}

}  // namespace

base::Result<Plan> plan(pg::Connection& history, const Reach& reach, const Asked& asked,
                        bool thorough) {
  Plan made;
  auto start = find_start(history, asked, asked.options.partial, thorough);
  if (!start) {
    made.forward_refused = start.error();
    start = find_start(history, asked, /*partial=*/true, thorough);
    if (!start) return std::unexpected(start.error());
  }
  made.at = start->at;
  ForwardWay forward{.refused = made.forward_refused.has_value()};
  if (!asked.key) {
    TRY_ASSIGN(forward.cost, changes_between(history, *start, start->since, start->at));
  }
  made.lines.push_back(made.forward_refused ? "forward: " + made.forward_refused->message
                                            : forward_line(*start, forward.cost));
  bool wanted = is_back_of_interest(forward, thorough);
  if (!wanted || asked.options.partial || asked.options.allow_stale) return made;
  auto live = reach(start->source);
  if (!live) {
    made.lines.push_back("back from the live table: " + live.error().message);
    return made;
  }
  made.live = std::move(*live);
  BackWay back{.live_rows_max = asked.live_rows_max};
  TRY_ASSIGN(back.changes_since, changes_between(history, *start, start->at, "infinity"));
  TRY_ASSIGN(back.live_rows, live_rows(made.live->connection(), asked, *start));
  made.lines.push_back(line_of(back));
  if (is_back_better(forward, back)) made.way = Plan::Way::walk_back;
  return made;
}

}  // namespace bemi::query
