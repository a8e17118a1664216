// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/hosts.hpp"

#include <gtest/gtest.h>

namespace bemi::serve {
namespace {

Hosts hosts(const std::string& address, const std::vector<std::string>& names = {}) {
  auto made = Hosts::with(address, names);
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

int asked(const Hosts& hosts, Pairs headers, bool is_from_proxy = false, bool is_old = false) {
  Request request;
  request.headers = std::move(headers);
  request.is_http_1_0 = is_old;
  auto refused = hosts.refusal(request, is_from_proxy);
  return refused ? refused->status : 200;
}

TEST(Hosts, OnLoopbackOnlyLoopbackIsKnown) {
  Hosts known = hosts("127.0.0.1");
  for (const char* good : {"localhost", "LocalHost:7070", "localhost.", "127.0.0.1", "127.0.0.1:80",
                           "127.0.0.1:", "127.9.9.9:1", "127.0.0.1:65099", "[::1]", "[::1]:7070",
                           "[::ffff:127.0.0.1]:1", "[0:0:0:0:0:0:0:1]"}) {
    EXPECT_TRUE(known.knows(good)) << good;
  }
  for (const char* bad : {"",
                          "evil.example",
                          "evil.example:7070",
                          "localhost.evil.example",
                          "127.0.0.1.evil.example",
                          "evil.example@localhost",
                          "localhost@evil.example",
                          "localhost:7070@evil.example",
                          "localhost:7070:1",
                          "localhost/",
                          "localhost evil.example",
                          "local host",
                          "localhost..",
                          ".localhost",
                          "::1",
                          "[::1",
                          "[::1]x",
                          "[localhost]",
                          "192.0.2.1",
                          "0.0.0.0",
                          "127.1",
                          "2130706433",
                          "0x7f000001",
                          "017700000001",
                          "[fe80::1]",
                          "localhost,evil.example",
                          "localhost:99999999",
                          "loc\xc3\xa4lhost",
                          "127.0.0.1\t"}) {
    EXPECT_FALSE(known.knows(bad)) << bad;
  }
}

TEST(Hosts, IncludeTheAddressAndTheGivenNames) {
  Hosts known = hosts("192.0.2.7", {"Bemi.Example.com", "[2001:DB8::1]", "203.0.113.9", "audit"});
  for (const char* good : {"192.0.2.7:7070", "bemi.example.com", "BEMI.example.com.:443",
                           "[2001:db8:0::1]:443", "203.0.113.9", "audit:7070", "localhost"}) {
    EXPECT_TRUE(known.knows(good)) << good;
  }
  for (const char* bad : {"192.0.2.8", "example.com", "x.bemi.example.com", "audit.evil.example"}) {
    EXPECT_FALSE(known.knows(bad)) << bad;
  }
}

TEST(Hosts, OnEveryAddressKnowEveryAddressButNoName) {
  for (const char* any : {"0.0.0.0", "::"}) {
    Hosts known = hosts(any);
    EXPECT_TRUE(known.knows("192.0.2.1:7070"));
    EXPECT_TRUE(known.knows("[2001:db8::1]"));
    EXPECT_FALSE(known.knows("evil.example"));
  }
}

TEST(Hosts, RefuseMalformedNames) {
  for (const char* bad : {"https://bemi.example.com", "bemi.example.com:443", "a/b", "*", "", "a b",
                          "[bemi]", "me@bemi"}) {
    auto made = Hosts::with("127.0.0.1", {bad});
    ASSERT_FALSE(made.has_value()) << bad;
    EXPECT_FALSE(made.error().hint.empty());
  }
}

TEST(Hosts, AreNamedOnceInARequest) {
  Hosts known = hosts("127.0.0.1");
  EXPECT_EQ(asked(known, {{"host", "localhost"}}), 200);
  EXPECT_EQ(asked(known, {{"host", "evil.example"}}), 421);
  EXPECT_EQ(asked(known, {}), 400);
  EXPECT_EQ(asked(known, {}, false, /*is_old=*/true), 200);
  EXPECT_EQ(asked(known, {{"host", "evil.example"}}, false, /*is_old=*/true), 421);
  EXPECT_EQ(asked(known, {{"host", "localhost"}, {"host", "evil.example"}}), 400);
  EXPECT_EQ(asked(known, {{"host", ""}}), 421);
}

TEST(Hosts, BehindAProxyBothNamesMustBeKnown) {
  Hosts known = hosts("127.0.0.1", {"bemi.example.com"});
  auto through = [&](const char* host, const char* forwarded, bool is_trusted) {
    return asked(known, {{"host", host}, {"x-forwarded-host", forwarded}}, is_trusted);
  };
  EXPECT_EQ(through("127.0.0.1:7070", "bemi.example.com", true), 200);
  EXPECT_EQ(through("127.0.0.1:7070", "evil.example,\t bemi.example.com \t", true), 200);
  EXPECT_EQ(through("127.0.0.1:7070", "evil.example", true), 421);
  EXPECT_EQ(through("127.0.0.1:7070", "bemi.example.com, evil.example", true), 421);
  EXPECT_EQ(through("127.0.0.1:7070", "evil.example, bemi.example.com", true), 200);
  // Handed on as the client wrote it.
  EXPECT_EQ(through("evil.example", "bemi.example.com", true), 421);
  // From anybody else, the header counts for nothing.
  EXPECT_EQ(through("evil.example", "localhost", false), 421);
  EXPECT_EQ(through("localhost", "evil.example", false), 200);
}

}  // namespace
}  // namespace bemi::serve
