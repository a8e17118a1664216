// SPDX-License-Identifier: LGPL-3.0-or-later
//
// KeyPasses: tables of one transaction in which a row may have come to a key before another one
// left it, as deferrable keys allow. Questions about such a key need a closer look. Memory is
// bounded: in a transaction with very many new keys, any key that is left afterwards counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "change/change.hpp"

namespace bemi::store {

class KeyPasses {
 public:
  using Name = std::pair<std::string, std::string>;  // schema, table
  // The limit for one table and transaction; a few megabytes.
  static constexpr std::size_t keys_max = 64UL << 10;

  void take(const change::Change& change);
  // At the transaction's end: the tables, and begins anew.
  std::vector<Name> finish();

 private:
  struct Table {
    std::vector<std::uint64_t> fresh;          // keys that rows came to, hashed
    std::unordered_set<std::uint64_t> sorted;  // the same, once one of them was looked for
    bool too_many = false;
    bool passed = false;
  };
  Table& table_of(const change::Relation& relation);
  static void arrive(Table& table, std::string_view key);
  static void leave(Table& table, std::string_view key);

  std::map<Name, Table> tables_;
  std::pair<const Name, Table>* last_ = nullptr;  // of tables_
};

}  // namespace bemi::store
