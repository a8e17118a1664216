// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Feed: changes as JSON, the way the API hands them out: pages from the newest back, one change,
// what is new since a position, and counts over time. Rows become JSON in PostgreSQL, so that
// every number keeps its digits.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "query/change_filter.hpp"

namespace bemi::query {

// The end of a page; opaque to clients.
struct Cursor {
  std::string effective_at;  // as PostgreSQL prints it
  std::int64_t commit_position = 0;
  std::int64_t sequence = 0;
  std::string id;
};

struct FeedPage {
  std::vector<std::string> changes;  // JSON objects, the newest first
  std::optional<Cursor> next;        // nullopt: there is no more
};

// A reader's position in one source.
struct SeenPosition {
  std::string source;
  std::string effective_at;
  std::int64_t epoch = 0;
  std::int64_t commit_position = 0;
  std::int64_t sequence = 0;

  [[nodiscard]] bool before(const SeenPosition& other) const;
};
using Seen = std::vector<SeenPosition>;
void advance(Seen& seen, const SeenPosition& position);

struct NewChange {
  SeenPosition position;
  std::string json;
  std::vector<bool> matches;  // one for each filter
};

struct NewChanges {
  std::vector<NewChange> changes;
  bool is_more = false;
};

// However large rows are, so many bytes of them are held at a time.
inline constexpr std::size_t page_bytes_max = 4UL << 20;
// For readers that go on and on, each with a page of their own.
inline constexpr std::size_t stream_bytes_max = 512UL << 10;
// The JSON of a change that has more is told with its large values cut, and `truncated` says which
// those are. So much of each is left.
inline constexpr std::size_t change_bytes_max = 4UL << 20;
inline constexpr int cut_value_characters = 500;
// A page that takes longer to read ends with what it has.
inline constexpr std::chrono::seconds page_time_max{5};

struct Reading;

class Feed {
 public:
  static base::Result<Feed> open(pg::Connection& destination);

  // At most `limit` changes, and no more than `page_bytes_max` of them; but one in any case.
  base::Result<FeedPage> older(const ChangeFilter& filter, const std::optional<Cursor>& from,
                               std::int64_t limit);
  // nullopt: there is none of this id.
  base::Result<std::optional<std::string>> one(const std::string& id);

  // At most `limit` that came after `seen`, in commit order, whatever filters they match; within
  // the bytes of a page, but one in any case.
  base::Result<NewChanges> newer(const Seen& seen, std::span<const ChangeFilter* const> filters,
                                 std::int64_t limit);
  // The same for one reader: only those that match.
  base::Result<NewChanges> missed(const Seen& seen, const ChangeFilter& filter, std::int64_t limit,
                                  std::size_t bytes = stream_bytes_max);
  // The newest position of each source.
  base::Result<Seen> ends();
  // Each source's current epoch.
  base::Result<std::vector<std::pair<std::string, std::int64_t>>> epochs();
  // Rises whenever something is stored.
  base::Result<std::int64_t> stored();

  // {"since": ..., "until": ..., "seconds": ..., "buckets": [...]}, about `buckets` of them. Rows
  // of baselines and checkpoints are counted apart: nobody changed anything by them.
  base::Result<std::string> histogram(const ChangeFilter& filter, int buckets);

 private:
  // The same among the changes since `floor`.
  base::Result<FeedPage> page_since(const ChangeFilter& filter, const std::optional<Cursor>& from,
                                    std::int64_t limit, const std::optional<std::string>& floor,
                                    const std::string& changes);
  base::Result<NewChanges> new_changes(const Reading& reading, std::int64_t limit,
                                       std::size_t filters);
  // The condition for changes after `seen`, and the order to read them in.
  struct Unseen {
    std::string condition;
    std::string order;
  };
  base::Result<Unseen> unseen(Where& where, const Seen& seen);
  Feed(pg::Connection& destination, std::string table)
      : destination_(&destination), table_(std::move(table)) {}
  pg::Connection* destination_;
  std::string table_;
};

}  // namespace bemi::query
