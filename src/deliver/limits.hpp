// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Limits for what goes out: for one reader of the live stream, and for one webhook.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bemi::deliver {

// Bytes that wait for one reader of the live stream; beyond it they are served from the history, at
// their own pace.
inline constexpr std::size_t subscription_bytes_max = 1UL << 20;
inline constexpr std::int64_t live_page = 500;
inline constexpr std::chrono::milliseconds live_pause{200};
// One question serves so many different filters.
inline constexpr std::size_t live_filters_max = 100;

// Changes in one delivery of a webhook, and webhooks that are served at a time.
inline constexpr std::int64_t webhook_page = 100;
inline constexpr int webhook_pages_max = 50;  // before others have their turn
inline constexpr std::size_t webhooks_at_once = 8;
inline constexpr std::chrono::milliseconds webhook_pause{500};
// For one delivery, from the first byte to the answer's head.
inline constexpr std::chrono::seconds http_client_max{10};
// The limit for the header of a receiver's answer.
inline constexpr std::size_t answer_head_bytes_max = 16UL << 10;

}  // namespace bemi::deliver
