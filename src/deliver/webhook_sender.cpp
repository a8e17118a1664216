// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/webhook_sender.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "deliver/http_client.hpp"
#include "deliver/limits.hpp"
#include "deliver/live_feed.hpp"
#include "deliver/webhook_rules.hpp"
#include "pg/named_lock.hpp"

namespace bemi::deliver {
namespace {

// Nothing matched: how far that is known is stored no oftener.
constexpr std::chrono::minutes stored_every{1};

}  // namespace

Delivery deliver(const DueWebhook& webhook, const std::string& identity, const std::string& body,
                 const Reachable& reachable, const std::stop_token& stop) {
  std::string at = std::to_string(base::Timestamp::now().unix_us / 1'000'000);
  auto status =
      post(webhook.url,
           {{"webhook-id", identity},
            {"webhook-timestamp", at},
            {"webhook-signature", signature_of(webhook.secret, identity + "." + at + "." + body)}},
           body, reachable, stop);
  if (!status) return {.problem = status.error().message};
  bool is_taken = *status >= 200 && *status < 300;
  return {.is_taken = is_taken,
          .status = *status,
          .problem = is_taken ? "" : "answered " + std::to_string(*status)};
}

WebhookSender::WebhookSender(query::Destination& destination, Webhooks& webhooks,
                             const Reachable& reachable, ReadFilter read_filter)
    : destination_(&destination),
      webhooks_(&webhooks),
      reachable_(&reachable),
      read_filter_(read_filter),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

WebhookSender::~WebhookSender() = default;

void WebhookSender::run(const std::stop_token& stop) {
  bool is_failing = false;
  std::mutex mutex;
  std::condition_variable_any ended;
  while (!stop.stop_requested()) {
    base::Status done = round(stop);
    if (!done && !is_failing) base::log::warning("webhooks wait: {}", done.error().message);
    is_failing = !done;
    std::unique_lock lock(mutex);
    ended.wait_for(lock, stop, is_failing ? webhook_pause * 10 : webhook_pause,
                   [] { return false; });
  }
}

base::Result<bool> WebhookSender::may_send() {
  if (lock_ && !lock_->run("select 1")) lock_.reset();
  if (lock_) return true;
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY_ASSIGN(bool locked,
             pg::try_lock(connection, {"bemi sends webhooks", pg::may_update("_bemi.webhook")}));
  if (!locked) return false;
  lock_ = std::move(connection);
  return true;
}

// A slow address holds up none but those of its own round.
base::Status WebhookSender::round(const std::stop_token& stop) {
  TRY_ASSIGN(std::vector<DueWebhook> due, webhooks_->due());
  if (due.empty()) return {};
  TRY_ASSIGN(bool is_ours, may_send());
  if (!is_ours) return {};
  std::vector<base::Status> done(due.size());
  for (std::size_t begin = 0; begin < due.size() && !stop.stop_requested();
       begin += webhooks_at_once) {
    std::vector<std::jthread> under_way;  // joined at the end of each turn
    for (std::size_t i = begin; i < std::min(begin + webhooks_at_once, due.size()); ++i) {
      under_way.emplace_back([this, &due, &done, &stop, i] { done[i] = send(due[i], stop); });
    }
  }
  auto failed = std::ranges::find_if(done, [](const base::Status& one) { return !one; });
  return failed == done.end() ? base::Status() : *failed;
}

base::Status WebhookSender::send(DueWebhook webhook, const std::stop_token& stop) {
  {
    std::scoped_lock lock(mutex_);
    for (const query::SeenPosition& position : reached_[webhook.name].seen) {
      query::advance(webhook.seen, position);
    }
  }
  bool is_more = true;
  for (int page = 0; is_more && page < webhook_pages_max; ++page) {
    TRY_ASSIGN(is_more, send_page(webhook, stop));
  }
  return {};
}

base::Result<bool> WebhookSender::send_page(DueWebhook& webhook, const std::stop_token& stop) {
  TRY_ASSIGN(query::ChangeFilter filter, read_filter_(webhook.filter));
  std::int64_t limit = webhook.pending > 0 ? webhook.pending : webhook_page;
  query::NewChanges page;
  query::Seen ends;
  {
    TRY_ASSIGN(auto connection, destination_->reader());
    TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
    // Before the look: what is stored during it is found by the next one.
    TRY_ASSIGN(ends, feed.ends());
    TRY_ASSIGN(page, feed.missed(webhook.seen, filter, limit, query::page_bytes_max));
  }
  const std::vector<query::NewChange>& changes = page.changes;
  if (changes.empty()) {
    TRY(note_reached(webhook, std::move(ends)));
    return false;
  }
  query::Seen seen = webhook.seen;
  for (const query::NewChange& change : changes) query::advance(seen, change.position);
  Delivery delivery =
      deliver(webhook, identity_of(webhook, seen), body_of(webhook, changes), *reachable_, stop);
  // It is no failure of theirs: the next start goes on from what is stored.
  if (!delivery.is_taken && stop.stop_requested()) return false;
  if (!delivery.is_taken) base::log::warning("webhook {}: {}", webhook.name, delivery.problem);
  TRY(webhooks_->note_delivery(webhook, delivery, changes.size(), seen));
  webhook.seen = std::move(seen);
  webhook.pending = 0;
  return delivery.is_taken && page.is_more;
}

base::Status WebhookSender::note_reached(const DueWebhook& webhook, query::Seen reached) {
  auto now = std::chrono::steady_clock::now();
  {
    std::scoped_lock lock(mutex_);
    Reached& known = reached_[webhook.name];
    known.seen = reached;
    bool is_news = event_id(reached) != event_id(webhook.seen);
    if (!is_news || now - known.stored_at < stored_every) return {};
    known.stored_at = now;
  }
  return webhooks_->note_seen(webhook.name, reached);
}

}  // namespace bemi::deliver
