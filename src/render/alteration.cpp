// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/alteration.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace bemi::render {
namespace {

using change::Oid;
using change::Relation;

// The columns' numbers, or their names where those are not known.
std::vector<std::string> key_of(const Relation& relation, bool by_number) {
  std::vector<std::string> key;
  for (std::size_t index : relation.primary_key) {
    const change::Column& column = relation.columns[index];
    key.push_back(by_number ? std::to_string(column.number) : column.name);
  }
  return key;
}

// Types whose values read the same, so that one can become the other without a word.
bool same_reading(const change::Type& left, const change::Type& right) {
  constexpr Oid text = 25;
  constexpr Oid varchar = 1043;
  auto is_text = [](Oid oid) { return oid == text || oid == varchar; };
  if (is_text(left.oid) && is_text(right.oid)) return true;
  if (left.oid != right.oid || left.form != right.form) return false;
  if (left.element && right.element && !same_reading(*left.element, *right.element)) return false;
  return std::ranges::equal(left.attributes, right.attributes,
                            [](const auto& known, const auto& now) {
                              return known.name == now.name && known.type && now.type &&
                                     same_reading(*known.type, *now.type);
                            });
}

}  // namespace

bool same_key(const Relation& left, const Relation& right) {
  auto numbered = [](const Relation& relation) {
    return std::ranges::all_of(relation.columns, &change::Column::number);
  };
  bool by_number = numbered(left) && numbered(right);
  return key_of(left, by_number) == key_of(right, by_number);
}

bool reads_otherwise(const Relation& known, const Relation& now) {
  return std::ranges::any_of(now.columns, [&](const change::Column& column) {
    auto twin = std::ranges::find(known.columns, column.number, &change::Column::number);
    return column.number != 0 && twin != known.columns.end() && column.type && twin->type &&
           !same_reading(*twin->type, *column.type);
  });
}

bool sends_more(const Relation& known, const Relation& now) {
  return std::ranges::any_of(known.unsent, [&](const std::string& name) {
    return std::ranges::find(now.columns, name, &change::Column::name) != now.columns.end();
  });
}

}  // namespace bemi::render
