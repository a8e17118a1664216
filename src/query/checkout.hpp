// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A real copy of the tracked tables as they were at one moment: rows, types, keys, and the indexes
// and foreign keys that the source has now on columns that were there then.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "query/past.hpp"

namespace bemi::query {

struct CheckoutTable {
  std::string schema;
  std::string table;
  std::int64_t relation = 0;
  std::vector<std::string> primary_key;
  struct Column {
    std::string name;
    int number = 0;
    std::string type;
  };
  std::vector<Column> columns;
  std::string query;  // gives its rows, as text
};

// The parts that come from the source's present catalog.
struct CheckoutExtras {
  struct Index {
    std::int64_t relation = 0;
    std::string name;
    bool unique = false;
    std::vector<int> columns;  // numbers; empty: an expression or a condition
    std::string definition;    // " USING btree (...)": what follows the table's name
  };
  struct ForeignKey {
    std::int64_t relation = 0;
    std::string name;
    std::vector<int> columns;
    std::int64_t target = 0;
    std::vector<int> target_columns;
    std::string actions;  // " ON DELETE CASCADE DEFERRABLE"
  };
  struct Enum {
    std::string schema;
    std::string name;
    std::vector<std::string> labels;
  };
  std::vector<Index> indexes;
  std::vector<ForeignKey> foreign_keys;
  std::vector<Enum> enums;
};

struct CheckoutSettings {
  std::string moment;
  std::optional<std::string> schema;  // all tables go into this one; else each into its own
  PastOptions past;
};

// The tables of that moment. Leaves a transaction open in which all of them are of one state.
base::Result<std::vector<CheckoutTable>> tables_at(pg::Connection& history,
                                                   const CheckoutSettings& settings);

base::Result<CheckoutExtras> read_extras(pg::Connection& source);

// `told` is called with the table's number and the rows copied so far of it.
using CheckoutTold = std::function<void(std::size_t number, std::int64_t rows)>;

// Copies all tables in one transaction of `target`. Returns remarks: what could not be made.
base::Result<std::vector<std::string>> checkout(pg::Connection& history, pg::Connection& target,
                                                const std::vector<CheckoutTable>& tables,
                                                const CheckoutExtras& extras,
                                                const CheckoutSettings& settings,
                                                const CheckoutTold& told);

}  // namespace bemi::query
