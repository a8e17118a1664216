// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/mark.hpp"

#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "revert/sequences.hpp"
#include "store/schema.hpp"
#include "wal/application.hpp"

namespace bemi::revert {
namespace {

using nlohmann::json;

constexpr const char* select_tables = R"(
select coalesce(json_agg(json_build_array(n.nspname, c.relname, c.relpersistence = 'u') order by 1), '[]')::text
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.oid = any (array(select pg_catalog.jsonb_array_elements_text($1::jsonb)::oid)))";

constexpr const char* select_not_covered = R"(
select t.one ->> 0 || '.' || (t.one ->> 1)
from jsonb_array_elements($2::jsonb) as t (one)
where (t.one ->> 2)::boolean or not coalesce((
  select c.whole from _bemi.coverage c join _bemi.source s on s.name = c.source and s.epoch = c.epoch
  where c.source = $1 and c.schema = t.one ->> 0 and c."table" = t.one ->> 1
  order by c.position desc limit 1), false)
order by 1)";

struct Stored {
  Mark mark;
  std::string sequences;
  std::optional<std::int64_t> rollback_transaction;
  std::string rollback_sequences;
  std::int64_t current_epoch = 0;
};

base::Result<Stored> load(const Ends& ends, const std::string& name) {
  TRY_ASSIGN(pg::Rows rows,
             ends.destination.query(
                 "select m.effective_at::text, m.epoch, m.commit_position, m.protected, "
                 "m.sequences::text, "
                 "m.rollback_transaction, coalesce(m.rollback_sequences::text, '[]'), s.epoch "
                 "from _bemi.mark m join _bemi.source s on s.name = m.source where m.source = $1 "
                 "and m.name = $2",
                 {ends.source_name, name}));
  if (rows.empty()) {
    return base::fail(base::ErrorKind::usage, "there is no mark " + name, "see: bemi mark list");
  }
  Stored stored{.mark = {.name = name,
                         .effective_at = rows.text(0, 0),
                         .epoch = rows.integer(0, 1),
                         .commit_position = rows.integer(0, 2),
                         .is_protected = rows.truth(0, 3),
                         .not_covered = {}},
                .sequences = rows.text(0, 4),
                .rollback_transaction = {},
                .rollback_sequences = rows.text(0, 6),
                .current_epoch = rows.integer(0, 7)};
  if (rows.get(0, 5)) stored.rollback_transaction = rows.integer(0, 5);
  return stored;
}

base::Status check_protected(const Ends& ends, const Mark& mark) {
  TRY_ASSIGN(
      pg::Rows later,
      ends.destination.query(
          "select name from _bemi.mark where source = $1 and protected and epoch = "
          "$2::int and commit_position > $3::bigint order by commit_position limit 1",
          {ends.source_name, std::to_string(mark.epoch), std::to_string(mark.commit_position)}));
  if (later.empty()) return {};
  return base::fail(
      base::ErrorKind::conflict,
      "the mark " + later.text(0, 0) + " is protected, and lies between now and " + mark.name,
      "roll back to that one, or give --force");
}

Request request_for(const std::string& name, const char* action, const std::string& actor) {
  Request request;
  request.rows_max = std::numeric_limits<std::int64_t>::max();
  request.fire_triggers = false;
  request.raise_sequences = false;  // they are set as they were
  request.actor = actor;
  request.context = json{{"mark", name}, {"mark_action", action}}.dump();
  return request;
}

base::Result<Outcome> apply_for_mark(const Ends& ends, const Request& request) {
  auto done = apply(ends, request, "");
  if (!done && done.error().kind == base::ErrorKind::conflict) {
    done.error().hint =
        "rows are not as the history has them: was something written just now? then "
        "again; else see what is wrong with: bemi status";
  }
  return done;
}

std::string words_of(const LeftSequence& left, const std::string& user) {
  if (left.reason == "gone") return "the sequence " + left.name + " is not there any more";
  if (left.reason == "another")
    return "the sequence " + left.name + " is another one now, made since: it stays as it is";
  return "the sequence " + left.name + " stays as it is: grant UPDATE on it to " + user;
}

// Reports sequences that stay as they are: the rows are back already.
base::Status set_back(const Ends& ends, const std::string& sequences, Plan& plan) {
  TRY_ASSIGN(std::vector<LeftSequence> left, set_sequences(ends.source, sequences));
  for (const LeftSequence& one : left) {
    plan.warnings.push_back(words_of(one, ends.source.user()));
  }
  return {};
}

}  // namespace

base::Result<Mark> create_mark(const Ends& ends, const NewMark& wanted) {
  TRY_ASSIGN(std::string relations, wal::application_relations(ends.source, "rp"));
  TRY_ASSIGN(pg::Rows tables, ends.source.query(select_tables, {relations}));
  TRY(ends.catch_up());
  TRY_ASSIGN(pg::Rows at, ends.destination.query(
                              "select epoch, position - '0/0', coalesce(effective_at, now())::text "
                              "from _bemi.source where name = $1",
                              {ends.source_name}));
  // After the position: never behind the rows that are there.
  TRY_ASSIGN(std::string sequences, read_sequences(ends.source));
  TRY_ASSIGN(pg::Rows uncovered,
             ends.destination.query(select_not_covered, {ends.source_name, tables.text(0, 0)}));
  Mark mark{.name = wanted.name, .effective_at = {}, .not_covered = {}};
  for (int row = 0; row < uncovered.count(); ++row)
    mark.not_covered.push_back(uncovered.text(row, 0));
  TRY_ASSIGN(
      pg::Rows made,
      ends.destination.query(
          "insert into _bemi.mark (source, name, epoch, commit_position, effective_at, sequences, "
          "not_covered, protected, comment) values ($1, $2, $7::int, $8::bigint, "
          "$9::timestamptz, $3::jsonb, $4::jsonb, $5::boolean, nullif($6, '')) "
          "on conflict do nothing returning effective_at::text, epoch, commit_position",
          {ends.source_name, wanted.name, sequences, json(mark.not_covered).dump(),
           pg::boolean(wanted.is_protected), wanted.comment, at.text(0, 0), at.text(0, 1),
           at.text(0, 2)}));
  if (made.empty()) {
    return base::fail(base::ErrorKind::conflict, "there is a mark " + wanted.name + " already",
                      "choose another name, or: bemi mark delete " + wanted.name);
  }
  mark.effective_at = made.text(0, 0);
  mark.epoch = made.integer(0, 1);
  mark.commit_position = made.integer(0, 2);
  mark.is_protected = wanted.is_protected;
  // Until something was committed after it, the mark's moment could not be asked for.
  TRY(ends.catch_up());
  return mark;
}

base::Result<pg::Rows> list_marks(pg::Connection& destination) {
  TRY_ASSIGN(std::string schema, store::history_schema(destination));
  return destination.run(fmt::format(R"(
select m.name, m.source, m.effective_at as at, coalesce(sum(c.count), 0) as changes_since,
       string_agg(c.name || ': ' || c.count, ', ' order by c.count desc, c.name) as tables,
       case when m.protected then 'yes' else 'no' end as protected, m.comment
from _bemi.mark m
left join lateral (
  select c.schema || '.' || c."table" as name, count(*) as count from {} c
  where c.source = m.source and (c.epoch, c.commit_position) > (m.epoch, m.commit_position)
    and c.effective_at >= m.effective_at and c.operation not in ('SNAPSHOT', 'SCHEMA') group by 1
) c on true
group by m.name, m.source, m.effective_at, m.protected, m.comment, m.commit_position
order by m.source, m.commit_position)",
                                     store::changes_name(schema)));
}

base::Result<Outcome> roll_back(const Ends& ends, const std::string& name, bool force,
                                const std::string& actor) {
  TRY_ASSIGN(Stored stored, load(ends, name));
  if (stored.current_epoch != stored.mark.epoch) {
    return base::fail(
        base::ErrorKind::gap,
        "the history began anew since the mark " + name + ": what happened is not known",
        "make a new mark");
  }
  if (!force) TRY(check_protected(ends, stored.mark));
  Request request = request_for(name, "rollback", actor);
  request.filter.after = {.epoch = stored.mark.epoch, .position = stored.mark.commit_position};
  request.filter.since = stored.mark.effective_at;  // rises with the commits: by an index
  TRY_ASSIGN(std::string before, read_sequences(ends.source));
  TRY_ASSIGN(Outcome done, apply_for_mark(ends, request));
  TRY(set_back(ends, stored.sequences, done.plan));
  TRY(ends.destination.query(
      "update _bemi.mark set rollback_transaction = $3::bigint, rollback_sequences = "
      "$4::jsonb, rolled_back_at = now() where source = $1 and name = $2",
      {ends.source_name, name, std::to_string(done.transaction_id), before}));
  return done;
}

base::Result<Outcome> roll_forward(const Ends& ends, const std::string& name,
                                   const std::string& actor) {
  TRY_ASSIGN(Stored stored, load(ends, name));
  if (!stored.rollback_transaction) {
    return base::fail(base::ErrorKind::usage, "there was no rollback to " + name + " to take back",
                      "see: bemi mark list");
  }
  Outcome done;
  if (*stored.rollback_transaction != 0) {
    Request request = request_for(name, "forward", actor);
    request.filter.transaction = stored.rollback_transaction;
    request.filter.since = stored.mark.effective_at;
    TRY_ASSIGN(done, apply_for_mark(ends, request));
  }
  TRY(set_back(ends, stored.rollback_sequences, done.plan));
  TRY(ends.destination.query(
      "update _bemi.mark set rollback_transaction = null, rollback_sequences = null "
      "where source = $1 and name = $2",
      {ends.source_name, name}));
  return done;
}

base::Status delete_mark(const Ends& ends, const std::string& name, bool force) {
  TRY_ASSIGN(Stored stored, load(ends, name));
  if (stored.mark.is_protected && !force) {
    return base::fail(base::ErrorKind::conflict, "the mark " + name + " is protected",
                      "--force deletes it anyway");
  }
  TRY(ends.destination.query("delete from _bemi.mark where source = $1 and name = $2",
                             {ends.source_name, name}));
  return {};
}

}  // namespace bemi::revert
