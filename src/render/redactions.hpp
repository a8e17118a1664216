// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Redactions: which columns' values are never stored. A pattern names a column; from then on the
// column is redacted whatever it is called, and so is what has its values: the same column of
// tables that inherit from its table, of its partitions when they are detached, and generated
// columns that are computed from it. It stays so over restarts (_bemi.relation_version) as long as
// the configuration has the pattern.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>

#include "change/relation.hpp"
#include "change/selection.hpp"
#include "render/source_catalog.hpp"

namespace bemi::render {

class Redactions {
 public:
  // Both must outlive this.
  Redactions(SourceCatalog& catalog, const change::Selection& selection)
      : catalog_(&catalog), selection_(&selection) {}

  // Remembers a relation as the history stores it.
  void remember(const change::Relation& relation);
  // Sets `redacted` and `redacted_by` of the columns. A key that has a redacted column is no key.
  base::Status mark(change::Relation& relation);

 private:
  struct Memory {
    std::map<int, std::string> by_number;        // attnum -> pattern
    std::map<std::string, std::string> by_name;  // of a partition, whose numbers are its own
  };
  [[nodiscard]] const std::string* pattern_of(const change::Relation& relation,
                                              const change::Column& column) const;
  base::Status follow_ties(change::Relation& relation);
  void memorize(const change::Relation& relation);
  void say(const change::Relation& relation, const change::Column& column);
  void drop_key(change::Relation& relation);

  SourceCatalog* catalog_;
  const change::Selection* selection_;
  std::unordered_map<change::Oid, Memory> memory_;
  std::set<std::tuple<change::Oid, std::string>> said_;
};

}  // namespace bemi::render
