// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Lists changes by filters, a page at a time, in commit order. Everything a user says travels as
// a parameter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "query/change_filter.hpp"

namespace bemi::query {

// A reader's position: the last change of each source in commit order.
struct Position {
  std::string source;
  std::int64_t epoch = 0;
  std::int64_t commit_position = 0;
  std::int64_t sequence = 0;
};

class Changes {
 public:
  static base::Result<Changes> open(pg::Connection& destination);
  // Reads another table (quoted) that has the columns of `changes`.
  static Changes in(pg::Connection& destination, std::string table) {
    return {destination, std::move(table)};
  }

  // From now on, rows have a further column at the end: what became of each value, as a person
  // reads it, with the marks of query/past.hpp.
  void add_readable_changes() { is_readable_ = true; }

  // The newest `limit` that match, oldest first; `before`: of those older than the change of that
  // id.
  base::Result<pg::Rows> newest(const ChangeFilter& filter, std::int64_t limit,
                                const std::optional<std::string>& before = {});
  // The oldest `limit` that are newer than the change of that id.
  base::Result<pg::Rows> next(const ChangeFilter& filter, std::int64_t limit,
                              const std::string& after);
  // At most `limit` that came after `seen`; oldest first.
  base::Result<pg::Rows> after(const ChangeFilter& filter, const std::vector<Position>& seen,
                               std::int64_t limit);
  // The newest position of each source.
  base::Result<std::vector<Position>> ends();

 private:
  struct Place {
    std::string at;
    std::string id;
    std::int64_t epoch = 0;
    std::int64_t commit_position = 0;
    std::int64_t sequence = 0;
  };
  base::Result<Place> place_of(const std::string& id);
  static void add_cursor(Where& where, const Place& place, const char* comparison);
  Changes(pg::Connection& destination, std::string table)
      : destination_(&destination), table_(std::move(table)) {}
  pg::Connection* destination_;
  [[nodiscard]] std::string select_list() const;
  std::string table_;
  bool is_readable_ = false;
};

}  // namespace bemi::query
