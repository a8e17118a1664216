// SPDX-License-Identifier: LGPL-3.0-or-later
//
// EventReader: rows of the history as events, a group of keys at a time, into Net.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "pg/rows.hpp"
#include "revert/history.hpp"

namespace bemi::revert {

class EventReader {
 public:
  // `truncates`: JSON of [epoch, commit_position, sequence, id], in order. `passes`: transactions
  // in which keys may have passed from row to row, as JSON of [epoch, commit_position].
  EventReader(const PastTable& table, const Places& places, const std::string& truncates,
              const std::string& passes = "[]");

  // Columns: grp, key, operation, selected, before, after, exact, fidelity, epoch, commit_position,
  // sequence, id, previous.
  base::Status take(const pg::Rows& rows, int row, const History::Sink& sink);
  // Columns: content, said, remarks, count, epoch, commit_position.
  base::Status take_keyless(const pg::Rows& rows, int row, const History::Sink& sink);
  base::Status finish(const History::Sink& sink);
  [[nodiscard]] const Net& net() const { return net_; }

 private:
  struct Truncate {
    At at;
    std::string id;
  };
  [[nodiscard]] const Places::Since& places_at(const At& at) const;
  [[nodiscard]] Image image(const base::JsonMembers& row, const base::JsonMembers& exact,
                            const base::JsonMembers& fidelity, const At& at) const;
  void truncate_until(const std::optional<At>& at);
  void take_passing(Event event, const At& at);
  void flush();

  const PastTable* table_;
  const Places* places_;
  std::vector<Truncate> truncates_;
  std::size_t next_truncate_ = 0;
  std::set<std::pair<std::int64_t, std::int64_t>> passes_;
  std::vector<Event> passing_;  // of one transaction and group
  At passing_at_;
  std::optional<std::string> group_;
  Net net_;
};

}  // namespace bemi::revert
