// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/live_feed.hpp"

#include <sodium.h>

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "deliver/limits.hpp"

namespace bemi::deliver {
namespace {

constexpr std::size_t event_id_bytes_max = 4096;
constexpr int base64_variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

// Filters that readers have in common are judged once.
struct Judged {
  std::vector<const query::ChangeFilter*> filters;
  std::map<std::string, std::size_t> by_key;
};

Judged distinct_filters(const std::vector<std::shared_ptr<Subscription>>& readers) {
  Judged judged;
  for (const auto& reader : readers) {
    if (judged.by_key.try_emplace(reader->filter_key(), judged.filters.size()).second) {
      judged.filters.push_back(&reader->filter());
    }
  }
  return judged;
}

// The readers of some filters.
void send_to_history(const std::vector<std::shared_ptr<Subscription>>& readers,
                     const Judged& judged, std::size_t from, std::size_t to) {
  for (const auto& reader : readers) {
    std::size_t filter = judged.by_key.at(reader->filter_key());
    if (filter >= from && filter < to) reader->send_to_history();
  }
}

base::Error not_an_event_id() {
  return {base::ErrorKind::usage,
          "unknown Last-Event-ID",
          "leave it out to start with the next change",
          {}};
}

}  // namespace

std::string event_id(const query::Seen& seen) {
  auto list = nlohmann::json::array();
  for (const query::SeenPosition& position : seen) {
    list.push_back({position.source, position.effective_at, position.epoch,
                    position.commit_position, position.sequence});
  }
  std::string text = list.dump();
  std::string encoded(sodium_base64_encoded_len(text.size(), base64_variant), '\0');
  sodium_bin2base64(encoded.data(), encoded.size(),
                    reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                    base64_variant);
  encoded.pop_back();
  return encoded;
}

base::Result<query::Seen> read_event_id(std::string_view text) {
  std::string decoded(text.size(), '\0');
  std::size_t size = 0;
  bool is_base64 =
      text.size() <= event_id_bytes_max &&
      sodium_base642bin(reinterpret_cast<unsigned char*>(decoded.data()), decoded.size(),
                        text.data(), text.size(), nullptr, &size, nullptr, base64_variant) == 0;
  if (!is_base64) return std::unexpected(not_an_event_id());
  decoded.resize(size);
  auto list = nlohmann::json::parse(decoded, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return std::unexpected(not_an_event_id());
  query::Seen seen;
  for (const auto& item : list) {
    bool is_good = item.is_array() && item.size() == 5 && item[0].is_string() &&
                   item[1].is_string() && item[2].is_number_integer() &&
                   item[3].is_number_integer() && item[4].is_number_integer();
    if (!is_good) return std::unexpected(not_an_event_id());
    seen.push_back({item[0], item[1], item[2], item[3], item[4]});
  }
  return seen;
}

void Subscription::deliver(LiveChange change) {
  std::scoped_lock lock(mutex_);
  if (has_overflowed_) return;
  waiting_bytes_ += change.json->size();
  waiting_.push_back(std::move(change));
  if (waiting_bytes_ <= subscription_bytes_max) return;
  has_overflowed_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
}

void Subscription::note_reached(const query::Seen& reached) {
  std::scoped_lock lock(mutex_);
  reached_ = reached;
  if (wake_ && (!waiting_.empty() || has_overflowed_)) wake_();
}

void Subscription::send_to_history() {
  std::scoped_lock lock(mutex_);
  has_overflowed_ = true;
  waiting_.clear();
  waiting_bytes_ = 0;
  if (wake_) wake_();
}

Subscription::Taken Subscription::take() {
  std::scoped_lock lock(mutex_);
  Taken taken{.changes = std::move(waiting_), .has_overflowed = has_overflowed_, .reached = {}};
  // After an overflow nothing that was dropped may count as seen.
  if (!has_overflowed_) taken.reached = reached_;
  waiting_ = {};
  waiting_bytes_ = 0;
  has_overflowed_ = false;
  return taken;
}

void Subscription::on_change(std::function<void()> wake) {
  std::scoped_lock lock(mutex_);
  wake_ = std::move(wake);
}

LiveFeed::LiveFeed(query::Destination& destination)
    : destination_(&destination), thread_([this](const std::stop_token& stop) { run(stop); }) {}

LiveFeed::~LiveFeed() {
  thread_.request_stop();
  changed_.notify_all();
}

void LiveFeed::join(const std::shared_ptr<Subscription>& subscription) {
  std::scoped_lock lock(mutex_);
  subscriptions_.push_back(subscription);
  changed_.notify_all();
}

void LiveFeed::leave(const std::shared_ptr<Subscription>& subscription) {
  std::scoped_lock lock(mutex_);
  std::erase(subscriptions_, subscription);
}

std::size_t LiveFeed::subscribers() {
  std::scoped_lock lock(mutex_);
  return subscriptions_.size();
}

void LiveFeed::run(const std::stop_token& stop) {
  bool is_failing = false;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (subscriptions_.empty()) seen_.reset();  // The next subscriber begins then.
      changed_.wait(lock, stop, [this] { return !subscriptions_.empty(); });
    }
    if (stop.stop_requested()) return;
    base::Status looked = look();
    if (!looked && !is_failing) {
      base::log::warning("the live stream waits: {}", looked.error().message);
    }
    is_failing = !looked;
    std::unique_lock lock(mutex_);
    // Ends by the stop alone.
    changed_.wait_for(lock, stop, is_failing ? live_pause * 10 : live_pause, [] { return false; });
  }
}

base::Status LiveFeed::look() {
  std::vector<std::shared_ptr<Subscription>> readers;
  {
    std::scoped_lock lock(mutex_);
    readers = subscriptions_;
  }
  TRY_ASSIGN(query::Destination::Lease connection, destination_->reader());
  TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
  // Before the look: what is stored during it is found by the next one.
  TRY_ASSIGN(std::int64_t stored, feed.stored());
  if (!seen_) {
    TRY_ASSIGN(seen_, feed.ends());
    for (const auto& reader : readers) reader->send_to_history();
  } else if (stored == stored_) {
    return {};
  }
  bool is_more = true;
  while (is_more) {
    TRY_ASSIGN(is_more, hand_out(feed, readers));
  }
  stored_ = stored;
  return {};
}

base::Result<bool> LiveFeed::hand_out(query::Feed& feed,
                                      const std::vector<std::shared_ptr<Subscription>>& readers) {
  Judged judged = distinct_filters(readers);
  query::Seen reached = *seen_;
  bool is_more = false;
  std::size_t handed_out = 0;
  for (std::size_t from = 0; from == 0 || from < judged.filters.size(); from += live_filters_max) {
    std::size_t count = std::min(live_filters_max, judged.filters.size() - from);
    TRY_ASSIGN(query::NewChanges page,
               feed.newer(*seen_, std::span(judged.filters).subspan(from, count), live_page));
    if (from == 0) handed_out = page.changes.size();
    // A later look that saw less than what is passed over: its readers find it in the history.
    bool is_short = page.changes.size() < handed_out;
    if (is_short) send_to_history(readers, judged, from, from + count);
    for (query::NewChange& change : page.changes) {
      if (is_short) break;
      auto json = std::make_shared<const std::string>(std::move(change.json));
      for (const auto& reader : readers) {
        std::size_t filter = judged.by_key.at(reader->filter_key());
        bool is_judged = filter >= from && filter < from + count;
        if (is_judged && change.matches[filter - from]) reader->deliver({change.position, json});
      }
      if (from == 0) query::advance(reached, change.position);
    }
    if (from == 0) is_more = page.is_more;
  }
  seen_ = reached;
  for (const auto& reader : readers) reader->note_reached(reached);
  std::scoped_lock lock(mutex_);
  for (const auto& reader : subscriptions_) {
    if (std::ranges::find(readers, reader) == readers.end()) reader->send_to_history();
  }
  return is_more;
}

}  // namespace bemi::deliver
