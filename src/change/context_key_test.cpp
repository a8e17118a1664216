// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/context_key.hpp"

#include <gtest/gtest.h>

#include "base/sha256.hpp"

namespace bemi::change {
namespace {

const std::string secret = "AQgPFh0kKzI5QEdOVVxjanF4f4aNlJuiqbC3vsXM09o=";
constexpr std::int64_t second = 1'000'000;

TEST(ContextKey, HasAnIdAndASecret) {
  auto key = parse_context_key("web-1:" + secret);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id, "web-1");
  EXPECT_TRUE(key->is_valid_at({0}));
  EXPECT_TRUE(key->is_valid_at({4'000'000'000 * second}));
  // RFC 4231, test case 1, in two parts.
  EXPECT_EQ(base::hex(hmac_sha256(SigningKey::of(std::string(20, '\x0b')), "Hi ", "There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

TEST(ContextKey, HoldsForASpan) {
  auto key = parse_context_key("k:" + secret + ":2026-01-01/2026-01-02T12:30:59Z");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->from.unix_us, 1'767'225'600 * second);
  EXPECT_EQ(key->until.unix_us, 1'767'357'059 * second);
  EXPECT_FALSE(key->is_valid_at({key->from.unix_us - 1}));
  EXPECT_TRUE(key->is_valid_at(key->from));
  EXPECT_TRUE(key->is_valid_at({key->until.unix_us - 1}));
  EXPECT_FALSE(key->is_valid_at(key->until));
}

TEST(ContextKey, MayBeginOrEndWithoutTheOther) {
  auto begins = parse_context_key("k:" + secret + ":2026-01-01/");
  auto ends = parse_context_key("k:" + secret + ":/2026-01-01");
  ASSERT_TRUE(begins && ends);
  EXPECT_EQ(begins->from, ends->until);
  EXPECT_TRUE(ends->is_valid_at({0}));
  EXPECT_FALSE(begins->is_valid_at({0}));
}

TEST(ContextKey, RefusesWithoutRepeatingTheSecret) {
  for (const std::string& text :
       {std::string(), secret, ":" + secret, "a b:" + secret, std::string(65, 'k') + ":" + secret,
        "k:" + secret + "!", std::string("k:"), std::string("k:c2hvcnQ="), "k:" + secret + ":",
        "k:" + secret + ":2026-01-01", "k:" + secret + ":2026-02-30/", "k:" + secret + ":/2026-1-1",
        "k:" + secret + ":2026-01-01T24:00:00Z/", "k:" + secret + ":2026-01-01T10:00:00/",
        "k:" + secret + ":2026-01-02/2026-01-01", "k:" + secret + ":2026-01-01/2026-01-01"}) {
    auto key = parse_context_key(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().kind, base::ErrorKind::usage);
    EXPECT_FALSE(key.error().message.contains(secret)) << key.error().message;
  }
}

}  // namespace
}  // namespace bemi::change
