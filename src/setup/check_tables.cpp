// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Whether each tracked table can be read, updated and told of.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "setup/setup.hpp"

namespace bemi::setup {
namespace {

using wal::Table;
using Findings = std::vector<Finding>;

// Rights that the role $1 lacks to read the tables $2. Row security does not touch its owner,
// unless forced.
constexpr const char* select_rights = R"(
select c.oid, has_schema_privilege(r.oid, n.oid, 'usage'), has_table_privilege(r.oid, c.oid, 'select'),
       c.relrowsecurity and not r.rolsuper and not r.rolbypassrls
         and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'usage'))
from pg_class c join pg_namespace n on n.oid = c.relnamespace, pg_roles r
where r.rolname = $1 and c.oid = any ($2::oid[])
  and not (has_schema_privilege(r.oid, n.oid, 'usage') and has_table_privilege(r.oid, c.oid, 'select')
           and not c.relrowsecurity))";

std::string subject_of(const Table& table) { return "table " + table.schema + "." + table.name; }
std::string quoted(const Table& table) { return pg::quote_name(table.schema, table.name); }

std::map<change::Oid, Finding> findings_of_rights(const pg::Rows& rows,
                                                  const std::vector<Table>& tables,
                                                  const std::string& user) {
  std::map<change::Oid, Finding> found;
  std::string role = pg::quote_identifier(user);
  for (int row = 0; row < rows.count(); ++row) {
    auto oid = static_cast<change::Oid>(rows.integer(row, 0));
    auto table = std::ranges::find(tables, oid, &Table::oid);
    if (table == tables.end()) continue;
    Finding finding{Severity::error, subject_of(*table), "", ""};
    if (!rows.truth(row, 1)) {
      finding.what = "its schema may not be used by " + user;
      finding.fix =
          fmt::format("grant usage on schema {} to {}", pg::quote_identifier(table->schema), role);
    } else if (!rows.truth(row, 2)) {
      finding.what = "may not be read by " + user;
      finding.fix = fmt::format("grant select on {} to {}", quoted(*table), role);
    } else if (rows.truth(row, 3)) {
      finding.what = "has row level security, which keeps rows from " + user +
                     ": its changes are tracked, its rows of before are not known";
      finding.fix = fmt::format("alter role {} bypassrls", role);
    } else {
      continue;
    }
    found.emplace(oid, std::move(finding));
  }
  return found;
}

base::Result<std::map<change::Oid, Finding>> rights_of(pg::Connection& source,
                                                       const std::vector<Table>& tables,
                                                       const std::string& role) {
  std::string oids;
  for (const Table& table : tables) oids += (oids.empty() ? "" : ",") + std::to_string(table.oid);
  TRY_ASSIGN(pg::Rows rows, source.query(select_rights, {role, "{" + oids + "}"}));
  return findings_of_rights(rows, tables, role);
}

// Whether each change of it is sent.
void check_published(const Table& table, const std::string& publication, Findings& findings) {
  std::string ours = pg::quote_identifier(publication);
  if (!table.published && !table.is_partition) {
    findings.push_back({Severity::error, subject_of(table),
                        "is not in the publication " + publication,
                        fmt::format("alter publication {} add table only {}", ours, quoted(table)),
                        /*mended_by_init=*/true});
  } else if (table.narrowed) {
    findings.push_back({Severity::error, subject_of(table),
                        "is published with a row filter or a list of columns: changes go unseen",
                        fmt::format("alter publication {0} drop table only {1}; "
                                    "alter publication {0} add table only {1}",
                                    ours, quoted(table)),
                        /*mended_by_init=*/true});
  }
}

// The replica identity that would let it be updated; empty when none would.
std::string cure_of(const Table& table) {
  std::string alter = fmt::format("alter table only {} replica identity ", quoted(table));
  bool may_be_full = !table.virtual_columns && table.narrow_publication.empty();
  if (may_be_full) return alter + "full";
  if (table.key_identifies) return alter + "default";
  if (table.usable_index.empty()) return "";
  return alter + "using index " + pg::quote_identifier(table.usable_index);
}

std::string why_not_full(const Table& table) {
  if (table.virtual_columns) return "it has virtual generated columns";
  if (table.narrow_publication.empty()) return "";
  return "the publication " + table.narrow_publication + " leaves columns out";
}

// False when the table cannot be tracked.
bool check_identity(const Table& table, const Settings& settings, Findings& findings) {
  std::string subject = subject_of(table);
  if (std::string harm = harm_of(table); !harm.empty()) {
    std::string cure = cure_of(table);
    if (cure.empty()) {
      cure = fmt::format(
          "alter publication {} drop table only {};  or give it a primary key",
          pg::quote_identifier(settings.publication),
          table.is_partition ? pg::quote_name(table.root_schema, table.root_name) : quoted(table));
    }
    std::string suffers = table.loses_key ? "its rows cannot be told apart when their keys change: "
                                          : "its updates and deletes are refused: ";
    findings.push_back({Severity::error, subject, suffers + harm, cure, /*mended_by_init=*/true});
    return false;
  }
  if (!table.tracked) return false;
  std::string why = why_not_full(table);
  if (!may_be_published(table)) {
    findings.push_back({Severity::warning, subject,
                        "is not tracked: " + why + ", which replica identity full does not allow",
                        "give it a primary key that is not deferrable, then: alter table only " +
                            quoted(table) + " replica identity default"});
    return false;
  }
  bool full = table.identity == change::ReplicaIdentity::full;
  if (!table.identified) {
    findings.push_back({Severity::warning, subject,
                        "has nothing that identifies its rows: published, its updates would fail",
                        cure_of(table), why.empty()});
  } else if (!full && settings.identity == IdentityPolicy::full) {
    findings.push_back({Severity::warning, subject,
                        !why.empty() ? "keeps its replica identity, since " + why
                        : table.wide_toast
                            ? "keeps its replica identity: full would write its large values "
                              "into WAL at every update"
                            : "has no whole rows before a change",
                        why.empty() ? cure_of(table) : "", why.empty()});
  }
  return true;
}

void check_table(const Table& table, const std::map<change::Oid, Finding>& rights,
                 const Settings& settings, Findings& findings) {
  if (auto lacking = rights.find(table.oid); table.tracked && lacking != rights.end()) {
    findings.push_back(lacking->second);
  }
  if (table.unlogged) {
    if (!table.tracked) return;
    findings.push_back({Severity::warning, subject_of(table),
                        "is unlogged: its changes are in no WAL",
                        fmt::format("alter table {} set logged", quoted(table))});
    return;
  }
  if (table.tracked && !table.is_partition && !table.foreign_partition.empty()) {
    findings.push_back(
        {Severity::warning, subject_of(table),
         fmt::format("its partition {} is a foreign table: its rows are not tracked, and no "
                     "answer about the past of the table is whole",
                     table.foreign_partition),
         fmt::format("alter table {} detach partition {}, or --exclude the table", quoted(table),
                     table.foreign_partition)});
  }
  if (check_identity(table, settings, findings)) {
    check_published(table, settings.publication, findings);
  }
}

base::Status check_publication(pg::Connection& source, const Settings& settings,
                               Findings& findings) {
  TRY_ASSIGN(auto publication, wal::find_publication(source, settings.publication));
  std::string subject = "publication " + settings.publication;
  std::string quoted = pg::quote_identifier(settings.publication);
  if (!publication) {
    findings.push_back({Severity::error, subject, "is not there",
                        "bemi init, with BEMI_ADMIN_URL of a role that owns the tables",
                        /*mended_by_init=*/true});
  } else if (!publication->publishes_all_operations) {
    findings.push_back(
        {Severity::error, subject, "does not publish all operations",
         fmt::format("alter publication {} set (publish = 'insert, update, delete, truncate')",
                     quoted),
         /*mended_by_init=*/true});
  } else if (publication->via_root) {
    findings.push_back(
        {Severity::error, subject,
         "sends the changes of partitions as changes of their root: Bemi does not see when one of "
         "them is emptied",
         fmt::format("alter publication {} set (publish_via_partition_root = false)", quoted),
         /*mended_by_init=*/true});
  } else if (!publication->publishes_generated_columns) {
    findings.push_back(
        {Severity::error, subject,
         "does not publish generated columns: updates of tables that have some fail",
         fmt::format("alter publication {} set (publish_generated_columns = stored)", quoted),
         /*mended_by_init=*/true});
  }
  return {};
}

}  // namespace

base::Result<Findings> unreadable_tables(pg::Connection& source, const Settings& settings) {
  TRY_ASSIGN(auto tables, wal::list_tables(source, settings.selection, settings.publication));
  std::string role = settings.worker_role.empty() ? source.user() : settings.worker_role;
  TRY_ASSIGN(auto rights, rights_of(source, tables, role));
  Findings findings;
  for (auto& [oid, finding] : rights) findings.push_back(std::move(finding));
  return findings;
}

base::Result<Findings> check_tables(pg::Connection& source, const Settings& settings) {
  Findings findings;
  TRY(check_publication(source, settings, findings));
  TRY_ASSIGN(auto tables,
             wal::list_published_too(source, settings.selection, settings.publication));
  TRY_ASSIGN(auto rights, rights_of(source, tables, source.user()));
  std::size_t before = findings.size();
  for (const Table& table : tables) check_table(table, rights, settings, findings);
  auto tracked = std::ranges::count_if(tables, &Table::tracked);
  if (findings.size() == before) {
    findings.push_back({Severity::ok, "tables", fmt::format("{} tracked", tracked), ""});
  }
  return findings;
}

}  // namespace bemi::setup
