// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/webhook_rules.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <nlohmann/json.hpp>

#include "deliver/live_feed.hpp"

namespace bemi::deliver {
namespace {

constexpr std::size_t name_bytes_max = 800;
constexpr int failures_shift_max = 12;  // of one second: about an hour
constexpr std::string_view secret_prefix = "whsec_";
constexpr int base64 = sodium_base64_VARIANT_ORIGINAL;

}  // namespace

base::Status check_webhook(const NewWebhook& wanted) {
  bool is_name =
      !wanted.name.empty() && wanted.name.size() <= name_bytes_max && !wanted.name.contains('/');
  if (!is_name) {
    return base::fail(base::ErrorKind::usage,
                      "a webhook's name has 1 to 200 characters, and no slash");
  }
  auto url = boost::urls::parse_absolute_uri(wanted.url);
  bool is_good = url && (url->scheme() == "https" || url->scheme() == "http") &&
                 !url->host().empty() && !url->has_userinfo();
  if (!is_good) {
    return base::fail(base::ErrorKind::usage, "url is no https or http address",
                      "write it as https://example.org/hook, without a name and password in it");
  }
  return {};
}

std::string signature_of(const std::string& secret, const std::string& signed_text) {
  std::string encoded = secret.substr(secret_prefix.size());
  std::string key(encoded.size(), '\0');
  std::size_t size = 0;
  sodium_base642bin(reinterpret_cast<unsigned char*>(key.data()), key.size(), encoded.data(),
                    encoded.size(), nullptr, &size, nullptr, base64);
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(key.data()), size);
  crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(signed_text.data()),
                                signed_text.size());
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> mac{};
  crypto_auth_hmacsha256_final(&state, mac.data());
  std::string encoded_mac(sodium_base64_encoded_len(mac.size(), base64), '\0');
  sodium_bin2base64(encoded_mac.data(), encoded_mac.size(), mac.data(), mac.size(), base64);
  encoded_mac.pop_back();
  return "v1," + encoded_mac;
}

std::string identity_of(const DueWebhook& webhook, const query::Seen& seen) {
  std::string text = webhook.name + '\n' + event_id(seen);
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  std::string hex(hash.size() * 2 + 1, '\0');
  sodium_bin2hex(hex.data(), hex.size(), hash.data(), hash.size());
  hex.pop_back();
  return "msg_" + hex;
}

std::string body_of(const DueWebhook& webhook, const std::vector<query::NewChange>& changes) {
  std::string list;
  for (const query::NewChange& change : changes) list += (list.empty() ? "" : ", ") + change.json;
  return "{\"type\": \"changes\", \"webhook\": " + nlohmann::json(webhook.name).dump() +
         ", \"changes\": [" + list + "]}";
}

// Twice as long after each failure.
RetryPause retry_pause(int failures) {
  std::int64_t whole = 1000LL << std::min(failures, failures_shift_max);
  return {.min_ms = whole - whole / 5, .max_ms = whole + whole / 5};
}

}  // namespace bemi::deliver
