// SPDX-License-Identifier: LGPL-3.0-or-later
//
// LiveFeed: one thread that looks for new changes while somebody listens, and hands each to the
// subscriptions whose filter it matches. PostgreSQL itself judges, by the very conditions that
// pages are made with. A subscription holds a bounded amount: a reader too slow for it is served
// from the history at its own pace, so that it delays nobody.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "query/destination.hpp"
#include "query/feed.hpp"

namespace bemi::deliver {

struct LiveChange {
  query::SeenPosition position;
  std::shared_ptr<const std::string> json;
};

// A reader's position as text for Last-Event-ID, and back. Error of kind usage if the text is not
// one of ours.
std::string event_id(const query::Seen& seen);
base::Result<query::Seen> read_event_id(std::string_view text);

// One reader. Written by the feed's thread, read by the connection's.
class Subscription {
 public:
  Subscription(query::ChangeFilter filter, std::string filter_key,
               std::optional<query::Seen> resume)
      : filter_(std::move(filter)), key_(std::move(filter_key)), resume_(std::move(resume)) {}

  [[nodiscard]] const query::ChangeFilter& filter() const { return filter_; }
  // Equal for equal filters.
  [[nodiscard]] const std::string& filter_key() const { return key_; }
  // The position at which the reader wants to resume; nullopt: now.
  [[nodiscard]] const std::optional<query::Seen>& resume() const { return resume_; }

  void deliver(LiveChange change);
  // Everything up to here was looked at, whether it matched or not.
  void note_reached(const query::Seen& reached);
  // Something may have passed unseen between joining and the feed's look.
  void send_to_history();

  struct Taken {
    std::vector<LiveChange> changes;
    bool has_overflowed = false;  // not all that came: go on from the history
    query::Seen reached;
  };
  Taken take();
  // Called whenever there is something to take; from the feed's thread.
  void on_change(std::function<void()> wake);

 private:
  const query::ChangeFilter filter_;
  const std::string key_;
  const std::optional<query::Seen> resume_;
  std::mutex mutex_;
  std::vector<LiveChange> waiting_;
  std::size_t waiting_bytes_ = 0;
  bool has_overflowed_ = false;
  query::Seen reached_;
  std::function<void()> wake_;
};

class LiveFeed {
 public:
  explicit LiveFeed(query::Destination& destination);
  ~LiveFeed();

  void join(const std::shared_ptr<Subscription>& subscription);
  void leave(const std::shared_ptr<Subscription>& subscription);
  [[nodiscard]] std::size_t subscribers();

 private:
  void run(const std::stop_token& stop);
  base::Status look();
  base::Result<bool> hand_out(query::Feed& feed,
                              const std::vector<std::shared_ptr<Subscription>>& readers);

  query::Destination* destination_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::shared_ptr<Subscription>> subscriptions_;
  // Used by the thread alone.
  std::optional<query::Seen> seen_;
  std::int64_t stored_ = -1;
  std::jthread thread_;
};

}  // namespace bemi::deliver
