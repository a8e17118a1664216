// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/net.hpp"

#include <algorithm>
#include <utility>

namespace bemi::revert {
namespace {

bool same_value(const Field& left, const Field& right) {
  return left.json == right.json && left.exact == right.exact;
}

std::vector<int> known_columns(const Image& image) {
  std::vector<int> columns;
  for (std::size_t i = 0; i < image.size(); ++i) {
    if (image[i].known == Known::known) columns.push_back(static_cast<int>(i));
  }
  return columns;
}

std::vector<int> unknown_columns(const Image& image) {
  std::vector<int> columns;
  for (std::size_t i = 0; i < image.size(); ++i) {
    bool missing = image[i].known == Known::unknown || image[i].known == Known::redacted;
    if (missing) columns.push_back(static_cast<int>(i));
  }
  return columns;
}

// Whether both sides agree on the columns that both know.
bool may_be_same(const Image& left, const Image& right) {
  for (std::size_t i = 0; i < left.size() && i < right.size(); ++i) {
    bool known = left[i].known == Known::known && right[i].known == Known::known;
    if (known && !same_value(left[i], right[i])) return false;
  }
  return true;
}

}  // namespace

// The row that an event is about, among those that have the key then. Where several may have it, by
// its content: one that is not known yet is another row.
Net::Rows::iterator Net::find(const Event& event) {
  bool makes = event.kind == EventKind::create;
  auto [from, to] = rows_.equal_range(makes ? event.key : event.previous_key);
  for (auto at = from; at != to; ++at) {
    const Row& row = at->second;
    bool fits = makes ? !row.there : row.there;
    if (fits && (makes || !event.passing || may_be_same(row.now, event.before))) return at;
  }
  return event.passing || from == to ? rows_.end() : from;
}

// Takes the key away from rows that hold the key to which another row moves. Rows that share it for
// a while stay.
void Net::leave_key(const Event& event) {
  auto [at, to] = rows_.equal_range(event.key);
  while (at != to) {
    bool stays = event.passing && at->second.there;
    if (!stays) left_.push_back(std::move(at->second));
    at = stays ? std::next(at) : rows_.erase(at);
  }
}

Net::Row& Net::row_of(const Event& event) {
  auto found = find(event);
  if (event.kind == EventKind::update && event.previous_key != event.key) {
    Rows::node_type node;
    if (found != rows_.end()) node = rows_.extract(found);
    leave_key(event);
    found = rows_.end();
    if (node) {
      node.key() = event.key;
      found = rows_.insert(std::move(node));
    }
  }
  if (found == rows_.end()) {
    found = rows_.emplace(event.key, Row{});
    begin_life(found->second);
  }
  found->second.key = event.key;
  return found->second;
}

void Net::begin_life(Row& row) const {
  row.life = Life::untouched;
  row.taken = row.remade = false;
  row.columns.assign(columns_, {});
  row.built_on.clear();
}

bool Net::wrote(const Row& row) {
  return std::ranges::any_of(row.columns, [](const Column& c) { return c.ours || c.unsure; });
}

void Net::take(const Event& event) {
  Row& row = row_of(event);
  row.there = event.kind != EventKind::remove;
  switch (event.kind) {
    case EventKind::create: create(row, event); break;
    case EventKind::update: update(row, event); break;
    case EventKind::remove: remove(row, event.selected, event.before, event.id); return;
  }
  row.now = event.after;
}

void Net::create(Row& row, const Event& event) {
  if (event.selected && row.life == Life::removed && !row.taken) {
    // Removed and made again: as if it had been updated.
    row.life = Life::untouched;
    row.remade = row.removed != event.after;
    write(row, row.removed, event.after);
  } else if (event.selected) {
    begin_life(row);
    row.life = Life::made;
  } else if (row.life == Life::removed) {
    if (settle_removed(row).target == event.after) {
      begin_life(row);  // somebody has put it back as it was
      row.undone = true;
    } else {
      row.taken = true;
      row.built_on.push_back(event.id);
    }
  } else {
    begin_life(row);
  }
}

void Net::update(Row& row, const Event& event) {
  if (!event.selected) {
    if (row.life == Life::untouched && !row.remade)
      overwrite(row, event);
    else
      row.built_on.push_back(event.id);
  } else if (row.life == Life::untouched) {
    write(row, event.before, event.after);
  }
}

// A selected change of columns.
void Net::write(Row& row, const Image& before, const Image& after) {
  for (std::size_t i = 0; i < columns_; ++i) {
    Column& column = row.columns[i];
    if (after[i].known == Known::redacted) redacted_.insert(static_cast<int>(i));
    if (after[i].known != Known::known) continue;
    if (before[i].known == Known::unknown) {
      column.unsure = true;
      continue;
    }
    if (before[i].known != Known::known || same_value(before[i], after[i])) continue;
    if (!column.last) column.target = before[i];
    column.ours = column.last = true;
    column.mine = after[i];
    column.later.clear();
  }
}

// Somebody else's.
void Net::overwrite(Row& row, const Event& event) {
  for (std::size_t i = 0; i < columns_; ++i) {
    Column& column = row.columns[i];
    if (column.last && same_value(column.target, column.mine)) column = {};  // undone by ourselves
    if (!column.ours || event.after[i].known != Known::known) continue;
    const Field& had = event.before[i].known == Known::known ? event.before[i] : column.mine;
    if (same_value(had, event.after[i])) continue;
    if (same_value(event.after[i], column.target)) {
      column = {};  // the old value is back
      row.undone = true;
    } else {
      column.last = false;
      column.later.push_back(event.id);
    }
  }
}

void Net::lose(Row& row, const std::string& id) {
  row.lost = NetRow{.key = row.key,
                    .columns = {},
                    .target = {},
                    .expected = {},
                    .conflict = ConflictKind::deleted,
                    .conflict_columns = {},
                    .later = {id}};
}

void Net::remove(Row& row, bool selected, const Image& before, const std::string& id) {
  if (row.taken) {
    // Another one had the key, and was removed: as if the row itself had been.
    lose(row, id);
    begin_life(row);
  } else if (row.life == Life::made) {
    if (!selected) row.undone = true;
    begin_life(row);
  } else if (selected) {
    row.life = Life::removed;
    row.removed = before;
  } else {
    if (wrote(row)) lose(row, id);
    begin_life(row);
  }
}

void Net::truncate(const std::string& id) {
  for (auto& [key, row] : rows_) {
    if (row.life != Life::removed || row.taken) remove(row, false, row.now, id);
  }
}

// The row as it comes back: as it was when it was removed, less what the selection wrote before.
NetRow Net::settle_removed(const Row& row) const {
  NetRow net{.kind = RowKind::insert,
             .key = row.key,
             .columns = {},
             .target = row.removed,
             .expected = {},
             .conflict = {},
             .conflict_columns = {},
             .later = {}};
  for (std::size_t i = 0; i < columns_; ++i) {
    const Column& column = row.columns[i];
    if (column.unsure) net.target[i].known = Known::unknown;
    if (column.ours && column.last) net.target[i] = column.target;
    if (!column.ours || column.last) continue;
    net.conflict = ConflictKind::overwritten;
    net.conflict_columns.push_back(static_cast<int>(i));
    net.later.insert(net.later.end(), column.later.begin(), column.later.end());
  }
  if (auto missing = unknown_columns(net.target); !missing.empty()) {
    net.conflict = ConflictKind::unknown;
    net.conflict_columns = missing;
  }
  if (row.taken) {
    net.kind = RowKind::replace;
    net.conflict = ConflictKind::taken;
    net.later = row.built_on;
    net.expected = row.now;
  }
  net.columns = known_columns(net.target);
  return net;
}

NetRow Net::settle_columns(const Row& row) const {
  NetRow net{.kind = RowKind::update,
             .key = row.key,
             .columns = {},
             .target = row.now,
             .expected = row.now,
             .conflict = {},
             .conflict_columns = {},
             .later = {}};
  for (std::size_t i = 0; i < columns_; ++i) {
    const Column& column = row.columns[i];
    if (column.unsure) {
      net.conflict = ConflictKind::unknown;
      net.conflict_columns.push_back(static_cast<int>(i));
    }
    if (!column.ours || (column.last && same_value(column.target, column.mine))) continue;
    net.columns.push_back(static_cast<int>(i));
    net.target[i] = column.target;
    net.expected[i] = column.mine;
    if (column.last) continue;
    if (net.conflict != ConflictKind::unknown) net.conflict = ConflictKind::overwritten;
    net.conflict_columns.push_back(static_cast<int>(i));
    net.later.insert(net.later.end(), column.later.begin(), column.later.end());
  }
  if (net.columns.empty()) net.kind = RowKind::none;
  if (!row.built_on.empty()) {
    net.conflict = ConflictKind::built_on;
    net.later = row.built_on;
  }
  return net;
}

void Net::settle(Row& row, std::vector<NetRow>& out) const {
  if (row.lost) out.push_back(*row.lost);
  if (row.life == Life::removed) {
    out.push_back(settle_removed(row));
  } else if (row.life == Life::made) {
    NetRow net{.kind = RowKind::remove,
               .key = row.key,
               .columns = known_columns(row.now),
               .target = {},
               .expected = row.now,
               .conflict = {},
               .conflict_columns = {},
               .later = row.built_on};
    if (!row.built_on.empty()) net.conflict = ConflictKind::built_on;
    out.push_back(std::move(net));
  } else if (wrote(row)) {
    NetRow net = settle_columns(row);
    if (net.kind != RowKind::none || net.conflict) out.push_back(std::move(net));
  }
}

std::vector<NetRow> Net::finish() {
  std::vector<NetRow> out;
  for (auto& [key, row] : rows_) left_.push_back(std::move(row));
  for (Row& row : left_) {
    std::size_t before = out.size();
    settle(row, out);
    if (out.size() == before && row.undone) ++undone_;
  }
  rows_.clear();
  left_.clear();
  return out;
}

}  // namespace bemi::revert
