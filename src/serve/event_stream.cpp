// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/event_stream.hpp"

#include <algorithm>

#include "deliver/limits.hpp"
#include "query/destination.hpp"
#include "serve/limits.hpp"
#include "serve/metrics.hpp"

namespace bemi::serve {

EventStream::EventStream(const Services& services,
                         std::shared_ptr<deliver::Subscription> subscription)
    : services_(&services), subscription_(std::move(subscription)) {
  // Joined before the history is read: between both nothing can be missed.
  services_->live->join(subscription_);
}

EventStream::~EventStream() {
  subscription_->on_change({});
  services_->live->leave(subscription_);
}

base::Status EventStream::begin() {
  if (subscription_->resume()) {
    seen_ = *subscription_->resume();
    return {};
  }
  TRY_ASSIGN(auto connection, services_->destination->reader());
  TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
  TRY_ASSIGN(seen_, feed.ends());
  return {};
}

base::Result<std::string> EventStream::missed() {
  TRY_ASSIGN(auto connection, services_->destination->reader());
  TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
  TRY_ASSIGN(query::NewChanges page,
             feed.missed(seen_, subscription_->filter(), deliver::live_page));
  wants_history_ = page.is_more;
  std::string text;
  for (const query::NewChange& change : page.changes) text += event(change.position, change.json);
  services_->metrics->count_streamed(page.changes.size());
  return text;
}

std::string EventStream::fresh() {
  deliver::Subscription::Taken taken = subscription_->take();
  wants_history_ = taken.has_overflowed;
  std::string text;
  for (const deliver::LiveChange& change : taken.changes) {
    auto known = std::ranges::find(seen_, change.position.source, &query::SeenPosition::source);
    bool is_new = known == seen_.end() || known->before(change.position);
    if (is_new) text += event(change.position, *change.json);
  }
  for (const query::SeenPosition& position : taken.reached) query::advance(seen_, position);
  services_->metrics->count_streamed(taken.changes.size());
  return text;
}

std::string EventStream::keepalive() const { return "id: " + deliver::event_id(seen_) + "\n\n"; }

std::string EventStream::event(const query::SeenPosition& position, std::string_view json) {
  query::advance(seen_, position);
  std::string text = "id: " + deliver::event_id(seen_) + "\nevent: change\ndata: ";
  for (char c : json) {
    // A line's end would end the field.
    text += c == '\n' || c == '\r' ? ' ' : c;
  }
  return text + "\n\n";
}

}  // namespace bemi::serve
