// SPDX-License-Identifier: LGPL-3.0-or-later
//
// FakeCatalog: a source's catalog that a test writes. Only tests include this.
#pragma once

#include <map>

#include "render/source_catalog.hpp"

namespace bemi::render {

class FakeCatalog final : public SourceCatalog {
 public:
  std::string encoding = "UTF8";
  std::map<change::Oid, change::Relation> tables;  // as they are now
  std::map<change::Oid, change::Oid> roots;
  std::map<change::Oid, std::vector<wal::ColumnTie>> ties;
  std::map<change::Oid, std::vector<std::string>> generated;
  std::vector<std::uint64_t> waited_for;
  bool is_gone = false;  // every question fails

  [[nodiscard]] std::string server_encoding() const override { return encoding; }
  base::Status wait_until_visible(std::uint64_t transaction_id) override {
    if (is_gone) return gone();
    waited_for.push_back(transaction_id);
    return {};
  }
  base::Status resolve_types(change::Relation& relation, change::TypeCatalog& types) override {
    for (change::Column& column : relation.columns) {
      change::TypePtr type = types.find(column.type_oid);
      column.type = type ? type : change::make_type({.oid = column.type_oid, .name = "other"});
    }
    return {};
  }
  base::Result<wal::CatalogEntry> look_up(change::Oid oid) override {
    if (is_gone) return gone();
    wal::CatalogEntry entry;
    auto table = tables.find(oid);
    if (table == tables.end()) return entry;
    entry.exists = true;
    for (std::size_t index : table->second.primary_key)
      entry.primary_key.push_back(table->second.columns[index].name);
    entry.leaves = table->second.leaves;
    entry.generated = generated[oid];
    for (const change::Column& column : table->second.columns)
      entry.numbers.emplace_back(column.name, column.number);
    return entry;
  }
  base::Result<change::Oid> root_of(change::Oid oid) override {
    auto root = roots.find(oid);
    return root == roots.end() ? 0 : root->second;
  }
  base::Result<std::vector<wal::ColumnTie>> column_ties(change::Oid oid) override {
    if (is_gone) return gone();
    return ties[oid];
  }
  base::Result<std::vector<std::string>> type_texts(const change::Relation& relation) override {
    std::vector<std::string> texts;
    for (const change::Column& column : relation.columns)
      texts.push_back("type " + std::to_string(column.type_oid));
    return texts;
  }
  base::Result<change::Relation> read_relation(change::Oid oid) override {
    auto table = tables.find(oid);
    if (table == tables.end()) return base::fail(base::ErrorKind::conflict, "the table is gone");
    change::Relation relation = table->second;
    relation.primary_key.clear();
    relation.leaves.clear();
    for (change::Column& column : relation.columns) column.type = nullptr;
    return relation;
  }

 private:
  static std::unexpected<base::Error> gone() {
    return base::fail(base::ErrorKind::connection, "the source is gone");
  }
};

// With the built-in type of this OID and the number that comes with the place.
inline change::Column column_of(const std::string& name, change::Oid type, int number) {
  static const change::TypeCatalog types;
  return {.name = name, .type_oid = type, .type = types.find(type), .number = number};
}

inline constexpr change::Oid int4 = 23;
inline constexpr change::Oid text_type = 25;

// public.todo (id integer primary key, task text), as a catalog or the triggers tell it.
inline change::Relation todo() {
  change::Relation relation{.oid = 16384,
                            .schema = "public",
                            .table = "todo",
                            .columns = {column_of("id", int4, 1), column_of("task", text_type, 2)},
                            .primary_key = {0}};
  relation.columns[0].in_identity = true;
  return relation;
}

// The same as the stream describes it: no types, no key.
inline change::Relation sent(change::Relation relation) {
  relation.primary_key.clear();
  relation.leaves.clear();
  relation.unsent.clear();
  for (change::Column& column : relation.columns) {
    column.type = nullptr;
    column.number = 0;
  }
  return relation;
}

inline change::Selection selection_of(const change::Selection::Texts& texts) {
  return change::Selection::parse(texts).value();
}

}  // namespace bemi::render
