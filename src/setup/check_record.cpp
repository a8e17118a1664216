// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/check_record.hpp"

#include <fmt/format.h>

#include "base/counted.hpp"

namespace bemi::setup {
namespace {

constexpr const char* select_counts = R"(
select (select count(*) from _bemi.finding f where f.source = s.name),
       s.schema_refused, s.messages_refused,
       (select count(*) from _bemi.parked p where p.source = s.name and p.what in ('change', 'note'))
from _bemi.source s where s.name = $1)";

constexpr const char* select_signatures = R"(
select reason, key, messages, last_at, transaction_id, coalesce(other_transaction_id::text, '')
from _bemi.context_finding where source = $1 order by last_at desc)";

// The newest ones, and those that have not ended.
constexpr const char* select_table_gaps = R"(
select g.schema, g."table", g.reason, coalesce(g.from_time::text, ''), coalesce(g.to_time::text, '')
from _bemi.gap g where g.source = $1 and g.relation is not null
order by g.to_time is null desc, g.id desc limit 10)";

constexpr const char* select_redacted = R"(
select v.schema, v."table", c ->> 'name', c ->> 'redacted'
from (select distinct on (relation) * from _bemi.relation_version where source = $1
      order by relation, epoch desc, position desc, sequence desc) v
cross join lateral jsonb_array_elements(v.columns) c
where not v.dropped and c ->> 'redacted' is not null order by 1, 2, 3)";

using Findings = std::vector<Finding>;

base::Status check_counts(pg::Connection& destination, const Settings& settings,
                          Findings& findings) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_counts, {settings.source_name}));
  if (rows.empty()) return {};
  if (std::int64_t count = rows.integer(0, 0); count > 0) {
    findings.push_back({Severity::error, "the record",
                        fmt::format("{} rows were changed without a change on record", count),
                        "select * from _bemi.finding"});
  }
  if (std::int64_t count = rows.integer(0, 3); count > 0) {
    findings.push_back({Severity::error, "the record",
                        fmt::format("{} changes or notes could not be stored, and are kept in "
                                    "_bemi.parked: the history lacks them",
                                    count),
                        "select reason, convert_from(content, 'UTF8') from _bemi.parked where what "
                        "in ('change', 'note'); delete what was dealt with"});
  }
  if (std::int64_t count = rows.integer(0, 1); count > 0) {
    findings.push_back({Severity::warning, "messages",
                        fmt::format("{} messages of DDL were not believed", count),
                        "find out which role writes them: every role that may connect can"});
  }
  if (std::int64_t count = rows.integer(0, 2); count > 0) {
    findings.push_back({Severity::warning, "messages",
                        fmt::format("{} messages claimed to be Bemi's, and are not", count),
                        "find out which role writes them: every role that may connect can"});
  }
  return {};
}

base::Status check_signatures(pg::Connection& destination, const Settings& settings,
                              Findings& findings) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_signatures, {settings.source_name}));
  for (int row = 0; row < rows.count(); ++row) {
    std::string key = rows.text(row, 1);
    std::string other = rows.text(row, 5);
    findings.push_back(
        {Severity::error, "context signatures",
         fmt::format("{} of {} did not match ({}), the last one in transaction {} at {}{}",
                     base::counted(rows.integer(row, 2), "message"),
                     key.empty() ? "no known key" : "the key " + key, rows.text(row, 0),
                     rows.text(row, 4), rows.text(row, 3),
                     other.empty() ? "" : "; transaction " + other + " said the same before"),
         "find out which role wrote them (bemi changes --context-verified false); then delete from "
         "_bemi.context_finding"});
  }
  return {};
}

base::Status check_table_gaps(pg::Connection& destination, const Settings& settings,
                              Findings& findings) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_table_gaps, {settings.source_name}));
  for (int row = 0; row < rows.count(); ++row) {
    bool ended = !rows.text(row, 4).empty();
    findings.push_back(
        {Severity::warning, rows.text(row, 0) + "." + rows.text(row, 1),
         fmt::format("not all changes from {} until {} are known: {}", rows.text(row, 3),
                     ended ? rows.text(row, 4) : "now", rows.text(row, 2)),
         ended ? "Bemi read its rows again at that time; find out who did it"
               : "bemi run --snapshot initial reads its rows again"});
  }
  return {};
}

// The configuration names a column as it was called once.
base::Status check_redactions(pg::Connection& destination, const Settings& settings,
                              Findings& findings) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_redacted, {settings.source_name}));
  for (int row = 0; row < rows.count(); ++row) {
    std::string schema = rows.text(row, 0);
    std::string table = rows.text(row, 1);
    std::string column = rows.text(row, 2);
    if (settings.selection.redacts(schema, table, column)) continue;
    bool configured = settings.selection.has_redaction(rows.text(row, 3));
    std::string name = schema + "." + table + "." + column;
    findings.push_back({Severity::warning, name,
                        configured ? "is redacted since " + rows.text(row, 3) + " covers its values"
                                   : "was redacted, and no pattern covers it any more",
                        "bemi run --redact-column " + name});
  }
  return {};
}

}  // namespace

base::Result<std::vector<Finding>> check_record(pg::Connection& destination,
                                                const Settings& settings) {
  Findings findings;
  TRY_ASSIGN(
      pg::Rows there,
      destination.run("select to_regclass('_bemi.finding') is not null, exists (select from "
                      "pg_catalog.pg_attribute where attrelid = "
                      "to_regclass('_bemi.gap') and attname = 'from_time') and "
                      "exists (select from pg_catalog.pg_attribute where "
                      "attrelid = to_regclass('_bemi.source') and attname = "
                      "'messages_refused'), to_regclass('_bemi.context_finding') is not null"));
  if (!there.truth(0, 0) || !there.truth(0, 1)) return findings;
  TRY(check_table_gaps(destination, settings, findings));
  TRY(check_counts(destination, settings, findings));
  if (there.truth(0, 2)) TRY(check_signatures(destination, settings, findings));
  TRY(check_redactions(destination, settings, findings));
  return findings;
}

}  // namespace bemi::setup
