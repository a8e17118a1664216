// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/webhook_rules.hpp"

#include <gtest/gtest.h>

namespace bemi::deliver {
namespace {

bool is_accepted(const std::string& name, const std::string& url) {
  base::Status checked = check_webhook({.name = name, .url = url});
  if (!checked) {
    EXPECT_EQ(checked.error().kind, base::ErrorKind::usage);
  }
  return checked.has_value();
}

TEST(WebhookRules, ANameHasUpTo800BytesAndNoSlash) {
  const std::string url = "https://example.org/hook";
  EXPECT_TRUE(is_accepted("orders", url));
  EXPECT_TRUE(is_accepted(std::string(800, 'n'), url));
  EXPECT_FALSE(is_accepted(std::string(801, 'n'), url));
  EXPECT_FALSE(is_accepted("", url));
  EXPECT_FALSE(is_accepted("a/b", url));
}

TEST(WebhookRules, AnAddressIsHttpOrHttpsWithAHostAndNoPassword) {
  for (const char* url : {"https://example.org", "http://example.org", "https://example.org:8443/a",
                          "http://[2001:db8::1]/", "https://example.org/?a=b"}) {
    EXPECT_TRUE(is_accepted("orders", url)) << url;
  }
  for (const char* url : {"", "example.org", "/hook", "ftp://example.org", "file:///etc/passwd",
                          "https://", "https:///hook", "https://ann@example.org",
                          "https://ann:secret@example.org", "https://exa mple.org"}) {
    EXPECT_FALSE(is_accepted("orders", url)) << url;
  }
}

// The example of the Standard Webhooks.
TEST(WebhookRules, ADeliveryIsSignedAsTheStandardSays) {
  EXPECT_EQ(signature_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                         "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

// The digest was computed by another program: a receiver recognises it after an upgrade, too.
TEST(WebhookRules, TheSameChangesHaveTheSameIdentity) {
  query::Seen seen{{"shop", "2026-11-23 17:09:14.123456+00", 2, 1LL << 40, 3}};
  EXPECT_EQ(identity_of({.name = "orders"}, seen), "msg_460f952e1de7d0cbfd6bdc20cef4fbee");
  EXPECT_NE(identity_of({.name = "others"}, seen), identity_of({.name = "orders"}, seen));
  query::Seen later = seen;
  later[0].sequence = 4;
  EXPECT_NE(identity_of({.name = "orders"}, later), identity_of({.name = "orders"}, seen));
}

TEST(WebhookRules, ABodyNamesTheWebhookAndHasTheChanges) {
  EXPECT_EQ(body_of({.name = "a\"b"}, {}),
            R"({"type": "changes", "webhook": "a\"b", "changes": []})");
  EXPECT_EQ(body_of({.name = "orders"}, {{.json = R"({"id": 1})"}, {.json = R"({"id": 2})"}}),
            R"({"type": "changes", "webhook": "orders", "changes": [{"id": 1}, {"id": 2}]})");
}

TEST(WebhookRules, ThePauseDoublesUpToAnHourAndAQuarter) {
  const std::int64_t whole_s[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
  for (int failures = 0; failures <= 12; ++failures) {
    RetryPause pause = retry_pause(failures);
    EXPECT_EQ(pause.min_ms, whole_s[failures] * 800) << failures;
    EXPECT_EQ(pause.max_ms, whole_s[failures] * 1200) << failures;
  }
  EXPECT_EQ(retry_pause(13).max_ms, 4'915'200);
  EXPECT_EQ(retry_pause(1'000'000).max_ms, 4'915'200);
}

}  // namespace
}  // namespace bemi::deliver
