// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Net: what the selected changes of one row (or of rows that passed their keys on to each other)
// amount to, column by column. Pure: events of the history in, at most one operation a row out.
//
// A column goes back to what it was before the selected changes that wrote it last. Where somebody
// else wrote it after them, undoing would take that away: a conflict, unless it was just the old
// value that they wrote. The same holds for the row's being there at all.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "revert/plan.hpp"

namespace bemi::revert {

enum class Known : char {
  absent,    // the row has no such column
  known,     // see the value
  unknown,   // not in the history
  redacted,  // never stored
};

struct Field {
  Known known = Known::absent;
  std::string json;   // the value as stored
  std::string exact;  // its exact text as a JSON string, where JSON cannot hold it; else empty
  bool operator==(const Field&) const = default;
};

// A row by the places of the live table's columns.
using Image = std::vector<Field>;

enum class EventKind : char { create, update, remove };

struct Event {
  EventKind kind = EventKind::update;
  bool selected = false;
  std::string key;
  std::string previous_key;  // of an update; the same when the row kept its key
  Image before;
  Image after;
  std::string id;        // of the change
  bool passing = false;  // other rows may have its keys too, until the transaction ends
};

enum class RowKind : char {
  insert = 'I',   // it comes back
  update = 'U',   // columns go back
  remove = 'D',   // it goes
  replace = 'R',  // it comes back over a row that took its key
  none = 'N',     // nothing can be done; there is a conflict
};

struct NetRow {
  RowKind kind = RowKind::none;
  std::string key;
  std::vector<int> columns;  // update: that go back; else those that are known of the row
  Image target;              // empty for remove
  Image expected;            // the row as the history has it now; empty for insert
  std::optional<ConflictKind> conflict;
  std::vector<int> conflict_columns;
  std::vector<std::string> later;  // changes in the way, oldest first
};

class Net {
 public:
  explicit Net(std::size_t columns) : columns_(columns) {}

  void take(const Event& event);
  // Somebody else emptied the table.
  void truncate(const std::string& id);
  std::vector<NetRow> finish();

  // Rows whose selected changes somebody has undone already.
  [[nodiscard]] std::int64_t undone() const { return undone_; }
  // Columns that selected updates may have written, and whose values are never stored.
  [[nodiscard]] const std::set<int>& redacted() const { return redacted_; }

 private:
  struct Column {
    bool ours = false;    // a selected change wrote it
    bool last = false;    // and nobody else since
    bool unsure = false;  // written, but what was before is not in the history
    Field target;
    Field mine;
    std::vector<std::string> later;
  };
  enum class Life : char { untouched, made, removed };
  struct Row {
    std::string key;
    Life life = Life::untouched;  // what the selected changes did to its being there
    bool taken = false;           // removed by them, and created again by somebody else
    bool remade = false;          // removed by them, and created again by them with other values
    bool undone = false;
    bool there = true;
    Image now;
    Image removed;
    std::vector<Column> columns;
    std::vector<std::string> built_on;
    std::optional<NetRow> lost;  // a conflict of an earlier life under the same key
  };

  using Rows = std::multimap<std::string, Row, std::less<>>;
  Row& row_of(const Event& event);
  Rows::iterator find(const Event& event);
  void leave_key(const Event& event);
  void create(Row& row, const Event& event);
  void update(Row& row, const Event& event);
  void remove(Row& row, bool selected, const Image& before, const std::string& id);
  void write(Row& row, const Image& before, const Image& after);
  void overwrite(Row& row, const Event& event);
  void begin_life(Row& row) const;
  static void lose(Row& row, const std::string& id);
  static bool wrote(const Row& row);
  void settle(Row& row, std::vector<NetRow>& out) const;
  NetRow settle_removed(const Row& row) const;
  NetRow settle_columns(const Row& row) const;

  std::size_t columns_;
  Rows rows_;              // by the key that they have now; amid a transaction several may have one
  std::vector<Row> left_;  // without a key of their own any more
  std::int64_t undone_ = 0;
  std::set<int> redacted_;
};

}  // namespace bemi::revert
