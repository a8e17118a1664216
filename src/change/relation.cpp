// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/relation.hpp"

#include <algorithm>

namespace bemi::change {

bool same_columns(const Relation& left, const Relation& right) {
  return std::ranges::equal(left.columns, right.columns, [](const Column& a, const Column& b) {
    return a.name == b.name && a.type_oid == b.type_oid && a.type_modifier == b.type_modifier;
  });
}

bool same_values(const Relation& left, const Relation& right) {
  return same_columns(left, right) &&
         (!left.lists_unsent || !right.lists_unsent || left.unsent == right.unsent);
}

bool set_primary_key(Relation& relation, const std::vector<std::string>& names) {
  relation.primary_key.clear();
  for (const std::string& name : names) {
    auto column = std::ranges::find(relation.columns, name, &Column::name);
    if (column == relation.columns.end()) {
      relation.primary_key.clear();
      return false;
    }
    relation.primary_key.push_back(static_cast<std::size_t>(column - relation.columns.begin()));
  }
  return true;
}

}  // namespace bemi::change
