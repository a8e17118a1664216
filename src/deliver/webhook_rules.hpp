// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The rules of webhooks that need neither a database nor a network: which are accepted, what a
// delivery contains, and when a failed one is tried again.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "deliver/webhooks.hpp"
#include "query/feed.hpp"

namespace bemi::deliver {

// An error of kind usage says what is wrong with the name or the address.
base::Status check_webhook(const NewWebhook& wanted);

// The header webhook-signature, as the Standard Webhooks define it. `secret` begins with whsec_.
std::string signature_of(const std::string& secret, const std::string& signed_text);

// The header webhook-id: the same for the same changes, so that receivers recognise repetitions.
std::string identity_of(const DueWebhook& webhook, const query::Seen& seen);

std::string body_of(const DueWebhook& webhook, const std::vector<query::NewChange>& changes);

// The pause after so many failures is chosen at random in between, so that not all try at once.
struct RetryPause {
  std::int64_t min_ms = 0;
  std::int64_t max_ms = 0;
};
RetryPause retry_pause(int failures);

}  // namespace bemi::deliver
