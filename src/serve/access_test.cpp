// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Decisions of Access that need no destination: with a token from outside it asks nobody.
#include "serve/access.hpp"

#include <gtest/gtest.h>

namespace bemi::serve {
namespace {

constexpr const char* nowhere = "postgresql://127.0.0.1:1/none?connect_timeout=1";
constexpr const char* cookie_name = "bemi";
constexpr const char* proxy = "10.0.0.9";

class AccessTest : public testing::Test {
 protected:
  AccessTest() = default;

  base::Interrupt stop_;
  query::Destination destination_{nowhere, {}, stop_};
  Users users_{destination_};
  Access access_{destination_,
                 users_,
                 {.own_token = "secret", .user_header = "x-user", .trusted_proxies = {proxy}}};

  static Request with(const std::string& header, const std::string& value,
                      const std::string& peer = "192.0.2.1") {
    Request request;
    request.peer = peer;
    request.headers = {{header, value}};
    return request;
  }
  static Request with_cookie(const std::string& value) {
    return with("cookie", std::string(cookie_name) + "=" + value);
  }
  std::optional<Identity> identified(const Request& request) {
    auto identity = access_.identify(request, cookie_name);
    EXPECT_TRUE(identity);
    return identity ? *identity : std::nullopt;
  }
  NewSession signed_in() {
    auto session = access_.sign_in("secret");
    EXPECT_TRUE(session && *session);
    return **session;
  }
};

TEST_F(AccessTest, TheOwnTokenIsTheAdministrators) {
  auto identity = identified(with("authorization", "Bearer secret"));
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->name, "admin");
  EXPECT_EQ(identity->role, Role::admin);
  EXPECT_EQ(identity->csrf, "");
}

TEST_F(AccessTest, NoOtherTokenIsKnown) {
  for (const char* value : {"Bearer secre", "Bearer secrets", "Bearer Secret", "Bearer  secret",
                            "bearer secret", "Basic secret", "secret", "Bearer ", "Bearer"}) {
    EXPECT_FALSE(identified(with("authorization", value))) << value;
  }
  EXPECT_FALSE(identified(Request{}));
}

TEST_F(AccessTest, NoFirstTokenIsMadeBesideTheOwnOne) {
  auto made = access_.make_first_token();
  ASSERT_TRUE(made);
  EXPECT_EQ(*made, std::nullopt);
  EXPECT_FALSE(access_.keeps_records());
}

TEST_F(AccessTest, ASessionIsKnownByItsCookieAlone) {
  NewSession session = signed_in();
  EXPECT_EQ(session.cookie_value.size(), 48U);
  EXPECT_EQ(session.identity.name, "admin");
  EXPECT_EQ(session.identity.role, Role::admin);
  EXPECT_EQ(session.identity.csrf.size(), 64U);
  EXPECT_NE(session.identity.csrf, Access::session_hash(session.cookie_value));

  auto identity = identified(with_cookie(session.cookie_value));
  ASSERT_TRUE(identity);
  EXPECT_EQ(identity->name, "admin");
  EXPECT_EQ(identity->csrf, session.identity.csrf);
  EXPECT_TRUE(*access_.has_session(with_cookie(session.cookie_value), cookie_name));

  EXPECT_FALSE(identified(with_cookie("secret")));
  EXPECT_FALSE(identified(with_cookie("")));
  EXPECT_FALSE(*access_.has_session(with_cookie("secret"), cookie_name));
  EXPECT_FALSE(*access_.has_session(with("authorization", "Bearer secret"), cookie_name));
}

TEST_F(AccessTest, AWrongTokenBeginsNoSession) {
  auto session = access_.sign_in("wrong");
  ASSERT_TRUE(session);
  EXPECT_FALSE(*session);
}

TEST_F(AccessTest, EachSessionHasSecretsOfItsOwn) {
  NewSession one = signed_in();
  NewSession other = signed_in();
  EXPECT_NE(one.cookie_value, other.cookie_value);
  EXPECT_NE(one.identity.csrf, other.identity.csrf);
}

TEST_F(AccessTest, SigningOutEndsThisSessionAlone) {
  NewSession one = signed_in();
  NewSession other = signed_in();
  ASSERT_TRUE(access_.sign_out(one.cookie_value));
  EXPECT_FALSE(identified(with_cookie(one.cookie_value)));
  EXPECT_TRUE(identified(with_cookie(other.cookie_value)));
}

TEST_F(AccessTest, ForgettingAPersonEndsTheirSessions) {
  NewSession one = signed_in();
  access_.forget("somebody else");
  EXPECT_TRUE(identified(with_cookie(one.cookie_value)));
  access_.forget("admin");
  EXPECT_FALSE(identified(with_cookie(one.cookie_value)));
}

TEST_F(AccessTest, ForgettingTheOthersKeepsOneSession) {
  NewSession kept = signed_in();
  NewSession ended = signed_in();
  access_.forget_others("admin", kept.cookie_value);
  EXPECT_TRUE(identified(with_cookie(kept.cookie_value)));
  EXPECT_FALSE(identified(with_cookie(ended.cookie_value)));
}

TEST_F(AccessTest, AUsersHeaderIsBelievedOfTrustedProxiesAlone) {
  EXPECT_TRUE(access_.trusts(proxy));
  EXPECT_FALSE(access_.trusts("10.0.0.99"));
  EXPECT_FALSE(identified(with("x-user", "ann")));
  // For a trusted proxy, the role comes from the destination, which is not there.
  EXPECT_FALSE(access_.identify(with("x-user", "ann", proxy), cookie_name));
  EXPECT_FALSE(identified(with("x-other", "ann", proxy)));
  EXPECT_FALSE(identified(with("x-user", "", proxy)));
  EXPECT_FALSE(identified(with("x-user", "\xE9", proxy)));
}

TEST_F(AccessTest, AUsersHeaderThatIsThereTwiceIsRefused) {
  Request request = with("x-user", "", proxy);
  request.headers.emplace_back("x-user", "");
  auto identity = access_.identify(request, cookie_name);
  ASSERT_FALSE(identity);
  EXPECT_EQ(identity.error().kind, base::ErrorKind::usage);
  request.peer = "192.0.2.1";
  EXPECT_FALSE(identified(request));
}

TEST_F(AccessTest, WithoutAUsersHeaderNoProxyNamesAnybody) {
  Access access(destination_, users_, {.own_token = "secret", .trusted_proxies = {proxy}});
  auto identity = access.identify(with("", "ann", proxy), cookie_name);
  ASSERT_TRUE(identity);
  EXPECT_FALSE(*identity);
}

TEST_F(AccessTest, TheClientIsWhoTheNearestTrustedProxyAsksFor) {
  auto client = [this](const std::string& forwarded, const std::string& peer) {
    return access_.client(with("x-forwarded-for", forwarded, peer));
  };
  EXPECT_EQ(client("198.51.100.7", proxy), "198.51.100.7");
  EXPECT_EQ(client("203.0.113.1, 198.51.100.7", proxy), "198.51.100.7");
  EXPECT_EQ(client("203.0.113.1,  198.51.100.7  ", proxy), "198.51.100.7");
  EXPECT_EQ(client("2001:DB8::0001", proxy), "2001:db8::1");
  EXPECT_EQ(client("198.51.100.7, no address", proxy), proxy);
  EXPECT_EQ(client("198.51.100.7,", proxy), proxy);
  EXPECT_EQ(client("", proxy), proxy);
  EXPECT_EQ(client("198.51.100.7", "192.0.2.1"), "192.0.2.1");
}

TEST_F(AccessTest, TheLastForwardingLineIsTheProxys) {
  Request request = with("x-forwarded-for", "203.0.113.1", proxy);
  request.headers.emplace_back("x-forwarded-for", "198.51.100.7");
  EXPECT_EQ(access_.client(request), "198.51.100.7");
}

}  // namespace
}  // namespace bemi::serve
