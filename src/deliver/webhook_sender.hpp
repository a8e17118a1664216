// SPDX-License-Identifier: LGPL-3.0-or-later
//
// WebhookSender: sends what webhooks wait for. Of several servers on one history, one sends: who
// holds the lock. Nothing is given up: an address that does not take it is tried again, later and
// later. Signed as the Standard Webhooks have it.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "deliver/reachable.hpp"
#include "deliver/webhooks.hpp"
#include "query/destination.hpp"

namespace bemi::deliver {

// One delivery of these changes (JSON objects). `identity` is the same when it is tried again.
Delivery deliver(const DueWebhook& webhook, const std::string& identity, const std::string& body,
                 const Reachable& reachable, const std::stop_token& stop);

// Reads a webhook's filter, as the API took it.
using ReadFilter = base::Result<query::ChangeFilter> (*)(std::string_view json);

class WebhookSender {
 public:
  // All must outlive this.
  WebhookSender(query::Destination& destination, Webhooks& webhooks, const Reachable& reachable,
                ReadFilter read_filter);
  ~WebhookSender();
  WebhookSender(const WebhookSender&) = delete;
  WebhookSender& operator=(const WebhookSender&) = delete;

 private:
  void run(const std::stop_token& stop);
  base::Status round(const std::stop_token& stop);
  base::Result<bool> may_send();
  base::Status send(DueWebhook webhook, const std::stop_token& stop);
  // Whether there may be more.
  base::Result<bool> send_page(DueWebhook& webhook, const std::stop_token& stop);
  base::Status note_reached(const DueWebhook& webhook, query::Seen reached);

  query::Destination* destination_;
  Webhooks* webhooks_;
  const Reachable* reachable_;
  ReadFilter read_filter_;
  std::optional<pg::Connection> lock_;
  // Looked at in this run, beyond what is stored: nothing there matched.
  struct Reached {
    query::Seen seen;
    std::chrono::steady_clock::time_point stored_at;
  };
  std::mutex mutex_;
  std::map<std::string, Reached> reached_;
  std::jthread thread_;
};

}  // namespace bemi::deliver
