// SPDX-License-Identifier: LGPL-3.0-or-later
//
// EventStream: the text/event-stream of one reader: first the changes that they missed, from
// the history, then new ones. Each event's id is the reader's position in every source, so
// that nothing is lost or told twice over any number of reconnections.
#pragma once

#include <memory>
#include <string>

#include "deliver/live_feed.hpp"
#include "serve/services.hpp"

namespace bemi::serve {

class EventStream {
 public:
  EventStream(const Services& services, std::shared_ptr<deliver::Subscription> subscription);
  ~EventStream();
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;

  // Settles where the stream begins; to be called first, and before the reader is told that it is
  // open: they get every change stored from then on. Waits for the database.
  base::Status begin();

  // Whether the next piece is to be read from the history.
  [[nodiscard]] bool wants_history() const { return wants_history_; }
  // The next piece of it; may be empty. Waits for the database.
  base::Result<std::string> missed();
  // The events so far; empty when there are none.
  std::string fresh();
  // Tells the position even when nothing matched.
  [[nodiscard]] std::string keepalive() const;

 private:
  std::string event(const query::SeenPosition& position, std::string_view json);

  const Services* services_;
  std::shared_ptr<deliver::Subscription> subscription_;
  query::Seen seen_;
  bool wants_history_ = true;
};

}  // namespace bemi::serve
