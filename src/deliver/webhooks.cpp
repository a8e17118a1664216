// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/webhooks.hpp"

#include <sodium.h>

#include <array>

#include "deliver/live_feed.hpp"
#include "deliver/webhook_rules.hpp"

namespace bemi::deliver {
namespace {

constexpr const char* purpose = "webhook";

// In the format of Standard Webhooks.
std::string new_secret() {
  std::array<unsigned char, 32> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  constexpr int variant = sodium_base64_VARIANT_ORIGINAL;
  std::string text(sodium_base64_encoded_len(bytes.size(), variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes.data(), bytes.size(), variant);
  text.pop_back();
  return "whsec_" + text;
}

std::int64_t pause_ms(int failures) {
  RetryPause pause = retry_pause(failures);
  auto choices = static_cast<std::uint32_t>(pause.max_ms - pause.min_ms + 1);
  return pause.min_ms + randombytes_uniform(choices);
}

constexpr const char* due_columns =
    "select name, url, filter, secret, seen, failures, pending from _bemi.webhook";

}  // namespace

base::Result<std::string> Webhooks::list() {
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows, connection->run(R"(
select coalesce(json_agg(json_build_object('name', name, 'url', url, 'filter', filter, 'enabled', is_enabled,
    'delivered', delivered, 'failures', failures, 'last_error', last_error, 'last_status', last_status,
    'last_attempt_at', last_attempt_at, 'last_success_at', last_success_at,
    'next_attempt_at', case when failures > 0 then next_attempt_at end,
    'created_by', created_by, 'created_at', created_at) order by name), '[]') from _bemi.webhook)"));
  return rows.text(0, 0);
}

base::Result<std::optional<std::string>> Webhooks::set(const NewWebhook& wanted) {
  TRY(check_webhook(wanted));
  if (box_ == nullptr) return std::unexpected(secret::no_key());
  std::string secret = new_secret();
  query::Seen ends;
  {
    TRY_ASSIGN(auto connection, destination_->reader());
    TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
    TRY_ASSIGN(ends, feed.ends());
  }
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY_ASSIGN(
      pg::Rows rows,
      connection.query(
          "insert into _bemi.webhook (name, url, filter, is_enabled, secret, seen, created_by) "
          "values ($1, $2, $3::jsonb, $4::boolean, $5, $6, $7) on conflict (name) do update set "
          "url = excluded.url, filter = excluded.filter, is_enabled = excluded.is_enabled, "
          "failures = 0, pending = 0, next_attempt_at = now(), "
          "secret = case when $8::boolean then excluded.secret else webhook.secret end "
          "returning secret = $5",
          {wanted.name, wanted.url, wanted.filter, pg::boolean(wanted.is_enabled),
           box_->seal(purpose, secret), event_id(ends), wanted.created_by,
           pg::boolean(wanted.renews_secret)}));
  if (!rows.truth(0, 0)) return std::nullopt;
  return secret;
}

base::Result<bool> Webhooks::remove(const std::string& name) {
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY_ASSIGN(pg::Rows rows, connection.query("delete from _bemi.webhook where name = $1", {name}));
  return rows.affected() > 0;
}

base::Result<std::vector<DueWebhook>> Webhooks::read(const pg::Rows& rows) {
  std::vector<DueWebhook> found;
  for (int row = 0; row < rows.count(); ++row) {
    DueWebhook& webhook = found.emplace_back();
    webhook.name = rows.text(row, 0);
    webhook.url = rows.text(row, 1);
    webhook.filter = rows.text(row, 2);
    TRY_ASSIGN(webhook.secret, box_->open(purpose, rows.text(row, 3)));
    TRY_ASSIGN(webhook.seen, read_event_id(rows.text(row, 4)));
    webhook.failures = static_cast<int>(rows.integer(row, 5));
    webhook.pending = rows.integer(row, 6);
  }
  return found;
}

base::Result<std::optional<DueWebhook>> Webhooks::one(const std::string& name) {
  if (box_ == nullptr) return std::unexpected(secret::no_key());
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows,
             connection->query(std::string(due_columns) + " where name = $1", {name}));
  TRY_ASSIGN(std::vector<DueWebhook> found, read(rows));
  if (found.empty()) return std::nullopt;
  return std::move(found.front());
}

base::Result<std::vector<DueWebhook>> Webhooks::due() {
  if (box_ == nullptr) return std::vector<DueWebhook>();
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows, connection->run(std::string(due_columns) +
                                            " where is_enabled and next_attempt_at <= now() "
                                            "order by next_attempt_at"));
  return read(rows);
}

base::Status Webhooks::note_delivery(const DueWebhook& webhook, const Delivery& delivery,
                                     std::size_t changes, const query::Seen& seen) {
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  std::string problem = delivery.problem;
  std::int64_t pause = delivery.is_taken ? 0 : pause_ms(webhook.failures);
  TRY(connection.query(
      "update _bemi.webhook set last_attempt_at = now(), last_status = $2::int, "
      "last_error = case when $3::boolean then null else $4 end, "
      "failures = case when $3::boolean then 0 else failures + 1 end, "
      "last_success_at = case when $3::boolean then now() else last_success_at end, "
      "delivered = delivered + case when $3::boolean then $5::bigint else 0 end, "
      "pending = case when $3::boolean then 0 else $5::bigint end, seen = $6, "
      // 410 Gone: the receiver wants no more.
      "is_enabled = is_enabled and $2::int <> 410, "
      "next_attempt_at = now() + make_interval(secs => $7::float8 / 1000) where name = $1",
      {webhook.name, std::to_string(delivery.status), pg::boolean(delivery.is_taken), problem,
       std::to_string(changes), event_id(delivery.is_taken ? seen : webhook.seen),
       std::to_string(pause)}));
  return {};
}

base::Status Webhooks::note_seen(const std::string& name, const query::Seen& seen) {
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY(connection.query("update _bemi.webhook set seen = $2 where name = $1 and pending = 0",
                       {name, event_id(seen)}));
  return {};
}

}  // namespace bemi::deliver
