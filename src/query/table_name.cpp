// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/table_name.hpp"

#include <cctype>
#include <vector>

#include "pg/connection.hpp"

namespace bemi::query {

std::string quoted(const TableName& name) {
  return pg::quote_name(name.schema.empty() ? "public" : name.schema, name.table);
}

base::Result<TableName> parse_table_name(std::string_view text) {
  std::vector<std::string> parts(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      parts.back().push_back(text[i++]);
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '.' && !quoted) {
      parts.emplace_back();
    } else {
      char c = text[i];
      bool folds = !quoted && c >= 'A' && c <= 'Z';
      parts.back().push_back(folds ? static_cast<char>(std::tolower(c)) : c);
    }
  }
  bool wrong = quoted || parts.size() > 2 || parts.back().empty() || parts.front().empty();
  if (wrong) {
    return base::fail(base::ErrorKind::usage, "not a table's name: " + std::string(text),
                      "write table, schema.table, or \"Other Schema\".\"Od d\"");
  }
  if (parts.size() == 1) return TableName{"", parts[0]};
  return TableName{parts[0], parts[1]};
}

}  // namespace bemi::query
