// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/rules.hpp"

#include <fmt/format.h>

namespace bemi::revert {

std::string rule_names(const LiveTable& live) {
  std::string names;
  for (const LiveRule& rule : live.rules) names += (names.empty() ? "" : ", ") + rule.name;
  return names;
}

std::string rules_sql(const Stage& stage, bool on) {
  std::string sql;
  for (const StageTable& table : stage.tables()) {
    for (const LiveRule& rule : table.live->rules) {
      const char* what = !on ? "disable" : rule.always ? "enable always" : "enable";
      sql += fmt::format("alter table {} {} rule {};\n", table.live->quoted(), what,
                         pg::quote_identifier(rule.name));
    }
  }
  return sql;
}

base::Status switch_rules(pg::Connection& source, const Stage& stage, bool on) {
  std::string sql = rules_sql(stage, on);
  if (!sql.empty()) TRY(source.run(sql));
  return {};
}

Conflict rules_in_the_way(const LiveTable& live) {
  Conflict conflict;
  conflict.kind = ConflictKind::rejected;
  conflict.schema = live.schema;
  conflict.table = live.table;
  conflict.detail = "its rules (" + rule_names(live) +
                    ") would write something else: only the table's owner, who may switch them "
                    "off, can undo here";
  return conflict;
}

}  // namespace bemi::revert
