// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/event_reader.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

namespace bemi::revert {
namespace {

std::string_view view(const pg::Rows& rows, int row, int column) {
  return rows.get(row, column).value_or("");
}

base::JsonMembers members(std::string_view text) {
  return text.starts_with('{') ? base::json_members(text) : base::JsonMembers{};
}

// The members of one side of `exact` or `fidelity`.
base::JsonMembers side(std::string_view remarks, std::string_view name) {
  if (remarks.empty()) return {};
  base::JsonMembers sides = base::json_members(remarks);
  auto found = sides.find(name);
  return found == sides.end() ? base::JsonMembers{} : members(found->second);
}

// A word that is not known here is of a newer Bemi: what it stands for must not be taken for known.
Known known_by(std::string_view fidelity) {
  if (fidelity == "\"redacted\"") return Known::redacted;
  if (fidelity == "\"reconstructed\"" || fidelity == "\"assumed\"") return Known::known;
  return Known::unknown;
}

void fill(Image& image, const Places::Since& places, const base::JsonMembers& values,
          const base::JsonMembers& exact, const base::JsonMembers& fidelity) {
  for (const auto& [name, value] : values) {
    auto place = places.by_name.find(std::string(name));
    if (place == places.by_name.end()) continue;  // the live table has no such column
    Field& field = image[static_cast<std::size_t>(place->second)];
    field.known = Known::known;
    field.json = value;
    if (auto text = exact.find(name); text != exact.end()) field.exact = text->second;
  }
  for (const auto& [name, remark] : fidelity) {
    auto place = places.by_name.find(std::string(name));
    Known known = known_by(remark);
    if (place == places.by_name.end() || known == Known::known) continue;
    image[static_cast<std::size_t>(place->second)] = {.known = known, .json = {}, .exact = {}};
  }
}

}  // namespace

EventReader::EventReader(const PastTable& table, const Places& places, const std::string& truncates,
                         const std::string& passes)
    : table_(&table), places_(&places), net_(places.count) {
  for (const auto& one : nlohmann::json::parse(truncates, nullptr, /*allow_exceptions=*/false)) {
    truncates_.push_back({.at = {.epoch = one[0].get<std::int64_t>(),
                                 .position = one[1].get<std::int64_t>(),
                                 .sequence = one[2].get<std::int64_t>()},
                          .id = one[3].get<std::string>()});
  }
  for (const auto& one : nlohmann::json::parse(passes, nullptr, /*allow_exceptions=*/false)) {
    passes_.emplace(one[0].get<std::int64_t>(), one[1].get<std::int64_t>());
  }
}

const Places::Since& EventReader::places_at(const At& at) const {
  const Places::Since* found = &places_->since.front();
  for (const Places::Since& since : places_->since) {
    if (since.at > at) break;
    found = &since;
  }
  return *found;
}

Image EventReader::image(const base::JsonMembers& row, const base::JsonMembers& exact,
                         const base::JsonMembers& fidelity, const At& at) const {
  Image image(places_->count);
  fill(image, places_at(at), row, exact, fidelity);
  return image;
}

void EventReader::truncate_until(const std::optional<At>& at) {
  while (next_truncate_ < truncates_.size() && (!at || truncates_[next_truncate_].at < *at)) {
    flush();
    net_.truncate(truncates_[next_truncate_++].id);
  }
}

base::Status EventReader::take(const pg::Rows& rows, int row, const History::Sink& sink) {
  std::string_view group = view(rows, row, 0);
  if (group_ && *group_ != group) TRY(finish(sink));
  group_ = group;
  At at{.epoch = rows.integer(row, 8),
        .position = rows.integer(row, 9),
        .sequence = rows.integer(row, 10)};
  truncate_until(at);
  std::string_view operation = view(rows, row, 2);
  auto image_of = [&](int column, std::string_view name) {
    return image(base::json_members(view(rows, row, column)), side(view(rows, row, 6), name),
                 side(view(rows, row, 7), name), at);
  };
  Event event{.kind = operation == "CREATE"   ? EventKind::create
                      : operation == "DELETE" ? EventKind::remove
                                              : EventKind::update,
              .selected = rows.truth(row, 3),
              .key = rows.text(row, 1),
              .previous_key = rows.get(row, 12) ? rows.text(row, 12) : rows.text(row, 1),
              .before = image_of(4, "\"before\""),
              .after = image_of(5, "\"after\""),
              .id = rows.text(row, 11)};
  if (passes_.contains({at.epoch, at.position})) {
    take_passing(std::move(event), at);
  } else {
    flush();
    net_.take(event);
  }
  return {};
}

void EventReader::take_passing(Event event, const At& at) {
  if (at.epoch != passing_at_.epoch || at.position != passing_at_.position) flush();
  passing_at_ = at;
  event.passing = true;
  passing_.push_back(std::move(event));
}

// Rows that were removed, and not made in the same transaction, come first: what took their keys
// came after them.
void EventReader::flush() {
  std::set<std::string> gone;
  for (std::size_t i = 0; i < passing_.size(); ++i) {
    const Event& event = passing_[i];
    if (event.kind != EventKind::remove) continue;
    bool from_before = std::none_of(
        passing_.begin(), passing_.begin() + static_cast<long>(i), [&](const Event& earlier) {
          return earlier.kind != EventKind::remove && earlier.key == event.key &&
                 earlier.after == event.before;
        });
    if (from_before) gone.insert(event.id);
  }
  std::ranges::stable_partition(passing_, [&](const Event& e) { return gone.contains(e.id); });
  for (const Event& event : passing_) net_.take(event);
  passing_.clear();
}

base::Status EventReader::finish(const History::Sink& sink) {
  truncate_until(std::nullopt);
  flush();
  next_truncate_ = 0;
  group_.reset();
  for (const NetRow& row : net_.finish()) TRY(sink(row));
  return {};
}

base::Status EventReader::take_keyless(const pg::Rows& rows, int row, const History::Sink& sink) {
  Image content =
      image(members(view(rows, row, 0)), members(view(rows, row, 1)), members(view(rows, row, 2)),
            {.epoch = rows.integer(row, 4), .position = rows.integer(row, 5)});
  NetRow net;
  for (std::size_t i = 0; i < content.size(); ++i) {
    int column = static_cast<int>(i);
    if (content[i].known == Known::known) net.columns.push_back(column);
    if (content[i].known == Known::unknown || content[i].known == Known::redacted) {
      net.conflict = ConflictKind::unknown;
      net.conflict_columns.push_back(column);
    }
  }
  std::int64_t count = rows.integer(row, 3);
  net.kind = count > 0 ? RowKind::insert : RowKind::remove;
  (count > 0 ? net.target : net.expected) = content;
  for (std::int64_t i = 0; i < std::abs(count); ++i) TRY(sink(net));
  return {};
}

}  // namespace bemi::revert
