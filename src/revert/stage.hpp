// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Stage: the net rows beside the live ones, in temporary tables of the source's own session, so
// that values are compared and written as the types that they are, by set, in the server's memory.
//
//   _bemi_net        a net row: images as JSON
//   _bemi_row_<tab>  the same typed: e<i> as the history has column i now, t<i> as it goes back
//   _bemi_shape      which columns a net row speaks of
//   _bemi_live       the live row, locked: where it is, which columns moved, which are back already
//   _bemi_state      what becomes of the net row: go, undone, conflict, skipped
#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pg/connection.hpp"
#include "revert/live_table.hpp"
#include "revert/net.hpp"
#include "revert/revert.hpp"

namespace bemi::revert {

// Rows of one table that the same is done to the same columns of.
struct StageShape {
  int id = 0;
  int tab = 0;
  RowKind kind = RowKind::none;
  std::vector<int> columns;
  [[nodiscard]] bool has(int column) const;
};

struct StageTable {
  int tab = 0;
  const LiveTable* live = nullptr;
  [[nodiscard]] std::string rows() const { return "pg_temp._bemi_row_" + std::to_string(tab); }
};

std::string array_of(const std::vector<int>& numbers);  // '{1,2}'

class Stage {
 public:
  explicit Stage(pg::Connection& source) : source_(&source) {}

  // Begins the transaction, with our search_path and limits on waiting.
  base::Status begin();
  int add_table(const LiveTable& live);
  // Takes rows from `feed`, which calls the function that it is given for each.
  using Put = std::function<base::Status(int tab, const NetRow&)>;
  base::Status load(const std::function<base::Status(const Put&)>& feed);
  // Locks the live rows in the order of the keys, and compares.
  base::Status compare(OnConflict policy);
  int shape_id(int tab, RowKind kind, const std::vector<int>& columns);
  // After live rows of other tables than this one may have moved to other places.
  base::Status find_again(int but_tab);

  [[nodiscard]] const std::vector<StageTable>& tables() const { return tables_; }
  // Tables are numbered from 1.
  [[nodiscard]] const StageTable& table(int tab) const {
    return tables_[static_cast<std::size_t>(tab) - 1];
  }
  [[nodiscard]] const std::vector<StageShape>& shapes() const { return shapes_; }
  [[nodiscard]] std::int64_t rows() const { return rows_; }
  [[nodiscard]] const StageTable* table_of(std::int64_t oid) const;
  // The statement that locks a shape's live rows and compares them; empty when there are none.
  [[nodiscard]] std::string locking(const StageShape& shape) const;
  [[nodiscard]] const std::string& own_search_path() const { return search_path_; }
  // The role's own search_path, for the time when triggers run.
  base::Status use_own_search_path(bool own);

 private:
  base::Status settle_keys();
  std::string copy_line(int tab, const NetRow& row);
  base::Status type_rows(const StageTable& table);
  base::Status lock_rows(const StageShape& shape);
  static std::string locking_keyless(const StageTable& table, const StageShape& shape);

  pg::Connection* source_;
  std::string search_path_;
  std::vector<StageTable> tables_;
  std::vector<StageShape> shapes_;
  std::map<std::pair<std::pair<int, char>, std::vector<int>>, int> shape_ids_;
  std::int64_t rows_ = 0;
};

}  // namespace bemi::revert
