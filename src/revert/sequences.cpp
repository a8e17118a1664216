// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/sequences.hpp"

#include <fmt/format.h>

namespace revert {

base::Result<std::string> read_sequences(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows names, source.run(R"(
select quote_literal(n.nspname), quote_literal(c.relname), format('%I.%I', n.nspname, c.relname)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'S' and c.relpersistence <> 't' and n.nspname not in ('_bemi', 'bemi')
  and n.nspname !~ '^pg_' and case c.relkind when 'S' then pg_catalog.has_sequence_privilege(c.oid, 'SELECT') end order by 3)"));
  if (names.empty()) return std::string("[]");
  std::string each;
  for (int row = 0; row < names.count(); ++row) {
    each += fmt::format("{}select {} as schema, {} as sequence, last_value, is_called from {}",
                        each.empty() ? "" : " union all ", names.text(row, 0), names.text(row, 1),
                        names.text(row, 2));
  }
  TRY_ASSIGN(pg::Rows values,
             source.run("select pg_catalog.json_agg(s)::text from (" + each + ") s"));
  return values.text(0, 0);
}

base::Status set_sequences(pg::Connection& source, const std::string& values) {
  auto set = source.query(R"(
select pg_catalog.setval(c.oid::regclass, s.last_value, s.is_called)
from pg_catalog.jsonb_to_recordset($1::jsonb) as s (schema text, sequence text, last_value bigint, is_called boolean)
join pg_catalog.pg_namespace n on n.nspname = s.schema
join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = s.sequence and c.relkind = 'S')",
                          {values});
  if (set) return {};
  return std::unexpected(set.error().within("the rows are back, but not the sequences"));
}

}  // namespace revert
