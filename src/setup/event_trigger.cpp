// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/event_trigger.hpp"

#include <fmt/format.h>

namespace setup {
namespace {

constexpr const char* select_may =
    "select me.rolsuper or (r.oid is not null and pg_has_role(current_user, r.oid, 'member')) "
    "from pg_roles me left join pg_roles r on r.rolname = 'rds_superuser' "
    "where me.rolname = current_user";

constexpr const char* select_comment = R"(
select obj_description(p.oid, 'pg_proc') from pg_proc p join pg_namespace n on n.oid = p.pronamespace
join pg_event_trigger t on t.evtfoid = p.oid
where n.nspname = '_bemi' and p.proname = 'track_new_table' and t.evtname = 'bemi_track_new_table')";

// Whatever goes wrong in here must not fail the application's DDL: it is counted, and the worker
// finds the table by looking.
constexpr const char* function_sql = R"(create schema if not exists _bemi;
create table if not exists _bemi.trigger_failure (message text primary key, count bigint not null,
                                                  last_at timestamptz not null);
create or replace function _bemi.track_new_table() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $bemi$
declare
  command record;
begin
  for command in
    select c.oid, n.nspname, c.relname, c.relispartition
    from pg_event_trigger_ddl_commands() d
    join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
    join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relpersistence = 'p' and {0}
  loop
    begin
      {1}
      if not command.relispartition and not exists (
           select 1 from pg_publication_rel r join pg_publication p on p.oid = r.prpubid
           where p.pubname = {2} and r.prrelid = command.oid) then
        execute format('alter publication {3} add table only %I.%I', command.nspname, command.relname);
        -- Tells the worker that the table has no rows but those that it will see.
        perform pg_logical_emit_message(true, '_bemi_table', json_build_object(
          'oid', command.oid::bigint, 'schema', command.nspname, 'table', command.relname)::text);
      end if;
    exception when others then
      insert into _bemi.trigger_failure values (sqlerrm, 1, now())
      on conflict (message) do update
      set count = trigger_failure.count + 1, last_at = excluded.last_at;
    end;
  end loop;
exception when others then
  null;
end $bemi$;
comment on function _bemi.track_new_table() is {4};
drop event trigger if exists bemi_track_new_table;
create event trigger bemi_track_new_table on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
  execute function _bemi.track_new_table())";

constexpr const char* set_full =
    R"(if (select relreplident <> 'f' from pg_class where oid = command.oid) then
        execute format('alter table only %I.%I replica identity full', command.nspname, command.relname);
      end if;)";

// A part of a pattern as an anchored regular expression.
std::string regex_of(const std::string& part) {
  std::string regex = "^";
  for (char c : part) {
    if (c == '*') {
      regex += ".*";
    } else if (c == '?') {
      regex += ".";
    } else if (std::string_view(".\\+[]{}()^$|").find(c) != std::string_view::npos) {
      regex += '\\';
      regex += c;
    } else {
      regex += c;
    }
  }
  return regex + "$";
}

std::string any_of(const std::vector<std::string>& patterns, const char* when_empty) {
  std::string condition;
  for (const std::string& text : patterns) {
    auto dot = text.find('.');
    std::string schema = dot == std::string::npos ? "public" : text.substr(0, dot);
    std::string table = dot == std::string::npos ? text : text.substr(dot + 1);
    condition +=
        fmt::format("{}(n.nspname ~ {} and c.relname ~ {})", condition.empty() ? "" : " or ",
                    pg::quote_literal(regex_of(schema)), pg::quote_literal(regex_of(table)));
  }
  return condition.empty() ? when_empty : "(" + condition + ")";
}

std::string tracked_condition(const Settings& settings) {
  const auto& texts = settings.selection.texts();
  std::string condition =
      "n.nspname !~ '^pg_' and n.nspname not in ('information_schema', '_bemi')";
  condition += " and " + any_of(texts.include, "true");
  condition += " and not " + any_of(texts.exclude, "false");
  if (settings.one_database) {
    condition += fmt::format(" and not (n.nspname = {} and c.relname ~ '^changes(_[0-9w_]+)?$')",
                             pg::quote_literal(settings.destination.schema));
  }
  return condition;
}

std::string doubled_percent(std::string text) {
  for (std::size_t at = text.find('%'); at != std::string::npos; at = text.find('%', at + 2)) {
    text.insert(at, "%");
  }
  return text;
}

}  // namespace

base::Result<std::vector<Step>> plan_event_trigger(pg::Connection& admin,
                                                   const Settings& settings) {
  TRY_ASSIGN(pg::Rows may, admin.run(select_may));
  if (may.empty() || !may.truth(0, 0)) return std::vector<Step>{};
  std::string condition = tracked_condition(settings);
  bool full = settings.identity == IdentityPolicy::full;
  std::string fingerprint =
      "Bemi: " + settings.publication + (full ? " full " : " keep ") + condition;
  TRY_ASSIGN(pg::Rows comment, admin.run(select_comment));
  if (!comment.empty() && comment.text(0, 0) == fingerprint) return std::vector<Step>{};
  std::string publication = pg::quote_identifier(settings.publication);
  std::string quoted_in_format = pg::quote_literal(doubled_percent(publication));
  quoted_in_format = quoted_in_format.substr(1, quoted_in_format.size() - 2);
  return std::vector<Step>{
      {.what = "track new tables at once (event trigger)",
       .sql = fmt::format(fmt::runtime(function_sql), condition, full ? set_full : "",
                          pg::quote_literal(settings.publication), quoted_in_format,
                          pg::quote_literal(fingerprint)),
       .optional = true}};
}

std::vector<Step> drop_event_trigger() {
  return {{.what = "remove the event trigger",
           .sql = R"(drop event trigger if exists bemi_track_new_table;
drop function if exists _bemi.track_new_table();
drop table if exists _bemi.trigger_failure;
do $$ begin
  if exists (select 1 from pg_namespace where nspname = '_bemi')
     and not exists (select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname = '_bemi') then
    drop schema _bemi;
  end if;
end $$)"}};
}

}  // namespace setup
