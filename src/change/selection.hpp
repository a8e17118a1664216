// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Selection: which tables are tracked and which columns are ignored or redacted.
// Patterns are "schema.table" and "schema.table.column" with the wildcards * and ?; a pattern
// with fewer parts means the schema public. A part may be quoted as in SQL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace bemi::change {

struct Pattern {
  std::vector<std::string> parts;
};

// A part as an anchored regular expression of PostgreSQL.
std::string regex_of(std::string_view part);

// One part against one name: * is any run of characters, ? any one.
bool wildcard_match(std::string_view pattern, std::string_view name);

// The patterns as people write them.
struct SelectionTexts {
  std::vector<std::string> include;  // empty: every table
  std::vector<std::string> exclude;
  std::vector<std::string> ignore_columns;
  std::vector<std::string> redact_columns;
};

class Selection {
 public:
  using Texts = SelectionTexts;

  static base::Result<Selection> parse(const Texts& texts);

  // Bemi's own tables and the system's are never tracked.
  [[nodiscard]] bool tracks(std::string_view schema, std::string_view table) const;
  [[nodiscard]] bool ignores(std::string_view schema, std::string_view table,
                             std::string_view column) const;
  [[nodiscard]] bool redacts(std::string_view schema, std::string_view table,
                             std::string_view column) const;
  // The pattern as it was given; null when none matches.
  [[nodiscard]] const std::string* redacting(std::string_view schema, std::string_view table,
                                             std::string_view column) const;
  [[nodiscard]] bool has_redaction(std::string_view pattern) const;
  [[nodiscard]] bool redacts_any() const { return !redact_.empty(); }
  [[nodiscard]] const Texts& texts() const { return texts_; }
  // Two parts each: the schema's and the table's.
  [[nodiscard]] const std::vector<Pattern>& include() const { return include_; }
  [[nodiscard]] const std::vector<Pattern>& exclude() const { return exclude_; }

 private:
  Texts texts_;
  std::vector<Pattern> include_;
  std::vector<Pattern> exclude_;
  std::vector<Pattern> ignore_;
  std::vector<Pattern> redact_;
};

}  // namespace bemi::change
