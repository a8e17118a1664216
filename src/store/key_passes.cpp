// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/key_passes.hpp"

namespace bemi::store {
namespace {

std::uint64_t hash_of(std::string_view key) { return std::hash<std::string_view>()(key); }

}  // namespace

KeyPasses::Table& KeyPasses::table_of(const change::Relation& relation) {
  bool again = last_ != nullptr && last_->first.second == relation.table &&
               last_->first.first == relation.schema;
  if (!again) last_ = &*tables_.try_emplace({relation.schema, relation.table}).first;
  return last_->second;
}

void KeyPasses::arrive(Table& table, std::string_view key) {
  if (table.fresh.size() + table.sorted.size() >= keys_max) {
    table.too_many = true;
    return;
  }
  table.fresh.push_back(hash_of(key));
}

void KeyPasses::leave(Table& table, std::string_view key) {
  if (table.too_many) {
    table.passed = true;
    return;
  }
  table.sorted.insert(table.fresh.begin(), table.fresh.end());
  table.fresh.clear();
  table.passed = table.passed || table.sorted.contains(hash_of(key));
}

void KeyPasses::take(const change::Change& change) {
  using change::Operation;
  if (!change.has_key) return;
  bool arrives = change.operation == Operation::create || change.moved;
  bool leaves = change.operation == Operation::delete_ || change.moved;
  if (!arrives && !leaves) return;
  Table& table = table_of(*change.relation);
  if (table.passed) return;
  if (leaves) leave(table, change.moved ? change.previous_key : change.primary_key);
  if (arrives) arrive(table, change.primary_key);
}

std::vector<KeyPasses::Name> KeyPasses::finish() {
  std::vector<Name> passed;
  for (const auto& [name, table] : tables_) {
    if (table.passed) passed.push_back(name);
  }
  tables_.clear();
  last_ = nullptr;
  return passed;
}

}  // namespace bemi::store
