// SPDX-License-Identifier: LGPL-3.0-or-later
//
// History: what was selected, read from the destination in one snapshot, a row's changes at a time,
// so that memory does not grow with the selection. (Keys that rows passed on are held: they tell
// which changes belong together.)
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "pg/connection.hpp"
#include "query/changes.hpp"
#include "revert/net.hpp"
#include "revert/past_table.hpp"

namespace bemi::revert {

// Of `changes`: what an undo can undo.
inline constexpr const char* row_changes = "operation in ('CREATE', 'UPDATE', 'DELETE')";

// Maps the columns of a change to those of the live table, by the change's shape.
struct Places {
  std::size_t count = 0;  // the live table's columns
  struct Since {
    At at;
    std::unordered_map<std::string, int> by_name;  // names as in JSON text, with quotes
  };
  std::vector<Since> since;  // oldest first; never empty
};

struct Selected {
  std::int64_t changes = 0;
  std::vector<std::int64_t> transactions;
  std::vector<std::string> warnings;
  // Schemas and tables that changed, but that the history does not know as tables of their own.
  std::vector<std::pair<std::string, std::string>> unknown;
};

// Finds, among names that the history does not know, the partitions of the source.
using FindPartitions = std::function<base::Result<std::vector<EmptiedPartition>>(
    const std::vector<std::pair<std::string, std::string>>& names)>;

// An error when the history has not reached the filter's times.
base::Status check_reached(pg::Connection& destination, const std::string& source,
                           const query::ChangeFilter& filter);

class History {
 public:
  // `extra`: ids of changes that are selected too.
  static base::Result<History> open(pg::Connection& destination, query::ChangeFilter filter,
                                    const std::string& source,
                                    const std::vector<std::string>& extra,
                                    const FindPartitions& partitions);

  [[nodiscard]] const Selected& selected() const { return selected_; }
  [[nodiscard]] const std::vector<PastTable>& tables() const { return tables_; }

  using Sink = std::function<base::Status(const NetRow&)>;
  struct Remarks {
    std::int64_t undone = 0;  // rows that somebody has put back already
    std::set<int> redacted;   // columns that stay as they are
  };
  // The net effect of the selected changes on each row with a key.
  base::Result<Remarks> net_rows(const PastTable& table, const Places& places, const Sink& sink);
  // The same of rows without one: each insert or removal of a row is one.
  base::Status net_keyless_rows(const PastTable& table, const Places& places, const Sink& sink);

  base::Result<std::vector<ChangeRef>> changes(const std::vector<std::string>& ids);
  // The changes of one row that made it hold `value` in a column, and all since; those that
  // removed the row when there is no such (then `column` names the row).
  base::Result<std::vector<std::string>> changes_of_row(const std::string& schema,
                                                        const std::string& table,
                                                        const std::string& key);
  void close();  // ends the snapshot

 private:
  History(pg::Connection& destination, std::string table)
      : destination_(&destination), changes_(std::move(table)) {}
  base::Status select(const std::string& among);  // the parts of the history that may have them
  base::Status bound();
  base::Status find_reverts();
  base::Status note_what_went_too();
  base::Status note_gaps();
  base::Status load_tables(const FindPartitions& partitions);
  struct Moves;
  base::Result<Moves> load_moves(const PastTable& table);
  [[nodiscard]] std::string taken_sql(const PastTable& table) const;
  [[nodiscard]] std::string touched_sql(const PastTable& table) const;
  [[nodiscard]] std::string changes_of_sql(const PastTable& table, const std::string& key,
                                           const std::string& condition) const;
  [[nodiscard]] std::string settled_rows_sql(const PastTable& table, const Moves& moves) const;
  [[nodiscard]] std::string moved_rows_sql(const PastTable& table, const Moves& moves) const;
  base::Result<std::string> truncates_of_others(const PastTable& table);
  base::Result<std::string> passes(const PastTable& table);
  base::Status stream(const std::string& sql,
                      const std::function<base::Status(const pg::Rows&, int)>& take);

  pg::Connection* destination_;
  std::string changes_;  // the table's quoted name
  std::string source_;
  query::Condition condition_;    // what counts as selected of a row that was asked for
  std::string asked_;             // and which rows those are, with the same parameters
  std::string counted_ = "true";  // which changes had an effect that was not taken back
  std::vector<std::pair<std::string, std::string>> names_;  // schema, table of selected changes
  std::string since_;                                       // effective_at of the first of them
  std::string last_;                                        // and of the last
  std::string floor_ = "'-infinity'::timestamptz";  // where the first one's partition begins
  Selected selected_;
  std::vector<PastTable> tables_;
};

}  // namespace bemi::revert
