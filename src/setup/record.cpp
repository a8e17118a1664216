// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/record.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "setup/sql.hpp"

namespace bemi::setup {
namespace {

using wal::Table;

// The tables' former and present replica identities.
constexpr const char* select_former = R"(
select f.relation, f.identity, coalesce(f.index_name, ''), f.given, c.relreplident,
       n.nspname, c.relname,
       exists (select from pg_index i join pg_class x on x.oid = i.indexrelid
               where i.indrelid = c.oid and x.relname = f.index_name and i.indisunique and i.indimmediate
                 and i.indisvalid and i.indpred is null and i.indexprs is null),
       exists (select from pg_index i where i.indisprimary and {0}),
       coalesce((select string_agg(distinct t.pubname, ', ')
                 from pg_publication_tables t join pg_publication p using (pubname)
                 where t.pubname <> $1 and (p.pubupdate or p.pubdelete)
                   and (t.schemaname, t.tablename) in (
                     select n.nspname, c.relname union all
                     select an.nspname, ac.relname from pg_partition_ancestors(c.oid) a
                     join pg_class ac on ac.oid = a.relid join pg_namespace an on an.oid = ac.relnamespace)), '')
from _bemi_setup.former_identity f
join pg_class c on c.oid = f.relation and c.relkind in ('r', 'p')
join pg_namespace n on n.oid = c.relnamespace
where f.publication = $1 order by n.nspname, c.relname)";

// An older Bemi describes its tracking in the functions' comments; a newer one has a table, for
// roles that may read it.
constexpr const char* select_trigger_version = R"(
select case when said ~ '^Bemi [0-9]+: ' then split_part(said, ' ', 3) else '' end,
       coalesce((select has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
                 from pg_class c where c.relnamespace = n.oid and c.relname = 'tracking'), false)
from pg_event_trigger t join pg_proc p on p.oid = t.evtfoid join pg_namespace n on n.oid = p.pronamespace
cross join lateral coalesce(obj_description(p.oid, 'pg_proc'), '') as said
where t.evtname = 'bemi_track_ddl' and n.nspname in ('_bemi', '_bemi_source'))";

// The statements use the catalog's names, not those of the record.
constexpr const char* select_granted = R"(
select named.name, m.grantee from _bemi_setup.made m
join pg_roles r on r.rolname = m.grantee
join (select format('usage on schema %I', nspname) as name from pg_namespace
      union all
      select format('select on table %I.%I', n.nspname, c.relname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace) named on named.name = m.name
where m.kind = 'grant' and m.publication = $1 order by 1)";

constexpr const char* select_listed = R"(
select format('%I.%I', n.nspname, c.relname)
from _bemi_setup.former_identity f join pg_publication p on p.pubname = f.publication
join pg_publication_rel r on r.prpubid = p.oid and r.prrelid = f.relation
join pg_class c on c.oid = f.relation join pg_namespace n on n.oid = c.relnamespace
where f.publication = $1 and not f.was_listed order by 1)";

constexpr const char* select_given_readable = R"(
select coalesce(bool_or(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')), false)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = '_bemi_source' and c.relname = 'given_identity')";

constexpr const char* select_others = R"(
select coalesce(string_agg(distinct t.pubname, ', '), '')
from pg_publication_tables t join pg_publication p using (pubname)
where t.pubname <> $1 and (p.pubupdate or p.pubdelete) and t.schemaname = $2 and t.tablename = $3)";

std::string letter_name(char identity, const std::string& index) {
  switch (identity) {
    case 'n': return "nothing";
    case 'f': return "full";
    case 'i': return "using index " + pg::quote_identifier(index);
    default: return "default";
  }
}

// Tables that were published before their identity was noted came by the event trigger, or by a
// Bemi that kept no record: both found them with what CREATE TABLE gives.
std::string identities_sql(const std::vector<Table>& tables, const Settings& settings,
                           bool assumes) {
  std::string oids;
  for (const Table& table : tables) {
    oids +=
        (oids.empty() ? "" : ",") + fmt::format("({},{},{})", table.oid, assumes && table.published,
                                                !assumes && table.published && !table.is_partition);
  }
  return fmt::format(R"(insert into _bemi_setup.former_identity
  (publication, relation, schema, "table", identity, index_name, given, was_listed)
select {0}, c.oid, n.nspname, c.relname,
       case when t.assumed and c.relreplident = 'f' then 'd' else c.relreplident end,
       (select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisreplident), c.relreplident, t.was_listed
from (values {1}) as t (oid, assumed, was_listed) join pg_catalog.pg_class c on c.oid = t.oid::oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
on conflict do nothing;
)",
                     pg::quote_literal(settings.publication), oids);
}

struct Former {
  std::string name;  // quoted
  std::string shown;
  char identity = 'd';
  std::string index;
  char given = 'f';
  char now = 'f';
  char given_by_trigger = '\0';  // none
  bool has_index = false;
  bool key_identifies = false;
  std::string others;
};

void plan_one(const Former& former, Restoration& out) {
  if (former.now == former.identity && former.identity != 'i') return;
  std::string wanted = letter_name(former.identity, former.index);
  if (former.identity == 'i' && !former.has_index) {
    out.notes.push_back(former.shown + " keeps its replica identity: the index " + former.index +
                        " that it had is gone");
    return;
  }
  bool is_ours = former.now == former.given || former.now == former.given_by_trigger;
  if (!is_ours) {
    if (former.now != former.identity) {
      out.notes.push_back(former.shown +
                          " keeps its replica identity: somebody has changed it since; it was " +
                          wanted);
    }
    return;
  }
  if (former.identity == former.now) return;
  bool identifies = former.identity == 'i' || former.identity == 'f' ||
                    (former.identity == 'd' && former.key_identifies);
  if (!identifies && !former.others.empty()) {
    out.notes.push_back(former.shown + " keeps its replica identity: without it, the publication " +
                        former.others + " would have its updates refused; it was " + wanted);
    return;
  }
  out.steps.push_back({.what = "give " + former.shown + " its replica identity back: " + wanted,
                       .sql = "alter table only " + former.name + " replica identity " + wanted});
}

using GivenIdentities = std::map<change::Oid, char>;

// The identities that the event triggers gave. Empty if the role may not read them.
base::Result<GivenIdentities> given_by_triggers(pg::Connection& admin) {
  TRY_ASSIGN(pg::Rows readable, admin.run(select_given_readable));
  if (!readable.truth(0, 0)) return GivenIdentities{};
  TRY_ASSIGN(pg::Rows rows, admin.run("select relation, identity from _bemi_source.given_identity "
                                      "where identity in ('d', 'f', 'i', 'n')"));
  GivenIdentities given;
  for (int row = 0; row < rows.count(); ++row) {
    given.emplace(static_cast<change::Oid>(rows.integer(row, 0)), rows.text(row, 1).front());
  }
  return given;
}

char given_to(const GivenIdentities& given, change::Oid table) {
  auto found = given.find(table);
  return found == given.end() ? '\0' : found->second;
}

base::Status plan_identities(pg::Connection& admin, const Settings& settings,
                             const GivenIdentities& given, Restoration& out) {
  TRY_ASSIGN(pg::Rows rows,
             admin.query(fmt::format(fmt::runtime(select_former), wal::identifying_index),
                         {settings.publication}));
  for (int row = 0; row < rows.count(); ++row) {
    plan_one({.name = pg::quote_name(rows.text(row, 5), rows.text(row, 6)),
              .shown = rows.text(row, 5) + "." + rows.text(row, 6),
              .identity = rows.text(row, 1).front(),
              .index = rows.text(row, 2),
              .given = rows.text(row, 3).front(),
              .now = rows.text(row, 4).front(),
              .given_by_trigger = given_to(given, static_cast<change::Oid>(rows.integer(row, 0))),
              .has_index = rows.truth(row, 7),
              .key_identifies = rows.truth(row, 8),
              .others = rows.text(row, 9)},
             out);
  }
  return {};
}

// Tables that the event trigger published and nobody noted yet.
base::Status plan_unnoted(pg::Connection& admin, const std::vector<Table>& tables,
                          const Record& record, const Settings& settings,
                          const GivenIdentities& given, Restoration& out) {
  for (const Table& table : tables) {
    char now = static_cast<char>(table.identity);
    char given_by_trigger = given_to(given, table.oid);
    if (!table.published || (now != 'f' && now != given_by_trigger)) continue;
    if (std::ranges::find(record.identities, table.oid) != record.identities.end()) continue;
    TRY_ASSIGN(pg::Rows others,
               admin.query(select_others, {settings.publication, table.schema, table.name}));
    plan_one({.name = pg::quote_name(table.schema, table.name),
              .shown = table.schema + "." + table.name,
              .identity = 'd',
              .given = 'f',
              .now = now,
              .given_by_trigger = given_by_trigger,
              .key_identifies = table.key_identifies,
              .others = others.text(0, 0)},
             out);
  }
  return {};
}

// The tables that we added to somebody else's publication.
base::Status plan_unlisting(pg::Connection& admin, const Settings& settings, Restoration& out) {
  TRY_ASSIGN(pg::Rows rows, admin.query(select_listed, {settings.publication}));
  for (int row = 0; row < rows.count(); ++row) {
    out.steps.push_back(
        {.what = "take " + rows.text(row, 0) + " out of the publication " + settings.publication,
         .sql = fmt::format("alter publication {} drop table only {}",
                            pg::quote_identifier(settings.publication), rows.text(row, 0))});
  }
  return {};
}

base::Status plan_grants(pg::Connection& admin, const Settings& settings, Restoration& out) {
  TRY_ASSIGN(pg::Rows rows, admin.query(select_granted, {settings.publication}));
  for (int row = 0; row < rows.count(); ++row) {
    std::string grantee = rows.text(row, 1);
    out.steps.push_back(
        {.what = "take back from " + grantee + ": " + rows.text(row, 0),
         .sql = "revoke " + rows.text(row, 0) + " from " + pg::quote_identifier(grantee),
         .optional = true});
  }
  return {};
}

}  // namespace

base::Result<Record> load_record(pg::Connection& source, const Settings& settings) {
  TRY_ASSIGN(pg::Rows rights, source.run(sql::record_rights));
  Record record{.is_there = rights.truth(0, 0),
                .is_readable = rights.truth(0, 3),
                .may_be_made = rights.truth(0, 1),
                .may_be_written = rights.truth(0, 2),
                .may_be_owned = rights.truth(0, 4)};
  if (!record.is_there || !record.is_readable) return record;
  TRY_ASSIGN(pg::Rows made,
             source.query("select kind from _bemi_setup.made where kind = 'publication' "
                          "and name = $1 or kind = 'slot' and name = $2",
                          {settings.publication, settings.slot}));
  for (int row = 0; row < made.count(); ++row) {
    record.has_publication = record.has_publication || made.text(row, 0) == "publication";
    record.has_slot = record.has_slot || made.text(row, 0) == "slot";
  }
  TRY_ASSIGN(pg::Rows known,
             source.query("select relation from _bemi_setup.former_identity where publication = $1",
                          {settings.publication}));
  for (int row = 0; row < known.count(); ++row) {
    record.identities.push_back(static_cast<change::Oid>(known.integer(row, 0)));
  }
  return record;
}

base::Result<std::string> publication_of_triggers(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows place, source.run(select_trigger_version));
  if (place.empty()) return std::string{};
  if (!place.truth(0, 1)) return place.text(0, 0);
  TRY_ASSIGN(pg::Rows tracking, source.run("select publication from _bemi_source.tracking"));
  return tracking.empty() ? std::string{} : tracking.text(0, 0);
}

bool owns_publication(const Record& record, const Settings& settings) {
  bool of_older_bemi = !record.is_there && !settings.names_publication &&
                       settings.known_publication == settings.publication;
  return record.has_publication || of_older_bemi;
}

std::optional<Step> record_step(const Record& record, const std::vector<Table>& tables,
                                const Settings& settings) {
  if (!record.may_grow()) return std::nullopt;
  bool owns = owns_publication(record, settings);
  std::string sql = record.is_there ? "" : sql::create_record;
  if (record.may_name() && !record.has_slot) {
    sql += fmt::format("insert into _bemi_setup.made values ('slot', {}) on conflict do nothing;\n",
                       pg::quote_literal(settings.slot));
  }
  if (record.may_name() && owns && !record.has_publication) sql += note_publication_sql(settings);
  std::vector<Table> unknown;
  std::ranges::copy_if(tables, std::back_inserter(unknown), [&](const Table& table) {
    return table.tracked &&
           std::ranges::find(record.identities, table.oid) == record.identities.end();
  });
  if (!unknown.empty()) sql += identities_sql(unknown, settings, owns);
  if (sql.empty()) return std::nullopt;
  return Step{.what = "note what is there before, so that bemi teardown can give it back",
              .sql = sql};
}

std::string note_publication_sql(const Settings& settings) {
  return fmt::format(
      "insert into _bemi_setup.made values ('publication', {}) on conflict do nothing;\n",
      pg::quote_literal(settings.publication));
}

// An identity that somebody else gave the table meanwhile counts as its former one.
std::string note_identity_sql(change::Oid table, char given, const Settings& settings) {
  return fmt::format(R"(insert into _bemi_setup.former_identity
select {0}, c.oid, n.nspname, c.relname, c.relreplident,
       (select x.relname from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid
        where i.indrelid = c.oid and i.indisreplident), '{2}'
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = {1}
on conflict (publication, relation) do update set given = excluded.given, at = now(),
  identity = case when former_identity.given = excluded.identity then former_identity.identity
                  else excluded.identity end,
  index_name = case when former_identity.given = excluded.identity then former_identity.index_name
                    else excluded.index_name end;
)",
                     pg::quote_literal(settings.publication), table, given);
}

std::string note_grant_sql(Granted kind, const std::string& subjects, const Settings& settings) {
  const char* select =
      kind == Granted::schema
          ? "format('usage on schema %I', n.nspname), {1}, {2} from pg_catalog.pg_namespace n"
            " where n.oid = any ('{{{0}}}')"
          : "format('select on table %I.%I', n.nspname, c.relname), {1}, {2} from "
            "pg_catalog.pg_class c"
            " join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = any "
            "('{{{0}}}')";
  return "insert into _bemi_setup.made select 'grant', " +
         fmt::format(fmt::runtime(select), subjects, pg::quote_literal(settings.worker_role),
                     pg::quote_literal(settings.publication)) +
         " on conflict do nothing;\n";
}

base::Result<Restoration> plan_restoration(pg::Connection& admin, const std::vector<Table>& tables,
                                           const Record& record, const Settings& settings) {
  Restoration out;
  TRY_ASSIGN(GivenIdentities given, given_by_triggers(admin));
  if (record.is_there) {
    if (!owns_publication(record, settings)) TRY(plan_unlisting(admin, settings, out));
    TRY(plan_identities(admin, settings, given, out));
    TRY(plan_grants(admin, settings, out));
  }
  if (owns_publication(record, settings)) {
    TRY(plan_unnoted(admin, tables, record, settings, given, out));
  }
  return out;
}

Step forget_step(const Settings& settings) {
  return {.what = "forget what was there before",
          .sql = fmt::format(
                     "delete from _bemi_setup.former_identity where publication = {0};\n"
                     "delete from _bemi_setup.made where publication = {0} or kind = 'publication' "
                     "and name = {0} or kind = 'slot' and name = {1};\n",
                     pg::quote_literal(settings.publication), pg::quote_literal(settings.slot)) +
                 sql::drop_empty_record};
}

}  // namespace bemi::setup
