// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/http.hpp"

#include <gtest/gtest.h>

#include "serve/api/csv.hpp"
#include "serve/api/cursor.hpp"
#include "serve/server.hpp"

namespace bemi::serve {
namespace {

Request read(std::string_view target) {
  Request request;
  EXPECT_TRUE(read_target(target, request)) << target;
  return request;
}

TEST(Http, ATargetIsDecodedOnce) {
  Request request = read("/api/changes/a%2Fb?q=a+b&q=%25&context=k%3Dv%3Dw&empty=&none");
  EXPECT_EQ(request.path, "/api/changes/a/b");
  EXPECT_EQ(request.parameters("q"), (std::vector<std::string>{"a b", "%"}));
  EXPECT_EQ(request.parameter("context"), "k=v=w");
  EXPECT_EQ(request.parameter("empty"), "");
  EXPECT_EQ(request.parameter("other"), std::nullopt);
}

TEST(Http, AMalformedTargetIsRefused) {
  for (std::string_view target : {"", "api", "/a%zz", "/a b", "http://x/", "/%", "*"}) {
    Request request;
    EXPECT_FALSE(read_target(target, request)) << target;
  }
}

TEST(Http, ACookieIsFoundByItsWholeName) {
  Request request;
  request.headers = {{"cookie", "xbemi=1; bemi_session_70700=2; bemi_session_7070=3;bemi=4"}};
  EXPECT_EQ(request.cookie("bemi_session_7070"), "3");
  EXPECT_EQ(request.cookie("bemi"), "4");
  EXPECT_EQ(request.cookie("session"), "");
}

TEST(Cursor, IsReadAsItWasWritten) {
  for (std::string at : {"2026-11-23 17:09:14.123456+00", "0044-03-15 00:00:00+00 BC"}) {
    query::Cursor cursor{at, 1234567890123, 7, "01a21245-022d-8689-a1cf-41a13958301d"};
    std::string text = write_cursor(cursor);
    EXPECT_EQ(text.find_first_of(" +&?#"), std::string::npos) << text;
    auto again = read_cursor(text);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->effective_at, at);
    EXPECT_EQ(again->commit_position, cursor.commit_position);
    EXPECT_EQ(again->sequence, cursor.sequence);
    EXPECT_EQ(again->id, cursor.id);
  }
  for (std::string_view text : {"", "x", "a_b_c_d", "a_1_2", "a_1_2_3_4", "____"}) {
    EXPECT_FALSE(read_cursor(text)) << text;
  }
}

TEST(Csv, HasAFieldsTextAndNoOther) {
  EXPECT_TRUE(csv_header().starts_with("id,source,database,"));
  std::string line = csv_line(
      R"({"id" : "a,b", "source" : "say \"x\"", "database" : null, "before" : {"n": 1.50}, "epoch" : 1})");
  EXPECT_TRUE(line.starts_with("\"a,b\",\"say \"\"x\"\"\",,")) << line;
  EXPECT_NE(line.find(R"("{""n"": 1.50}")"), std::string::npos) << line;
  EXPECT_TRUE(line.ends_with("\r\n"));
}

TEST(ListenAddress, IsLoopbackByDefault) {
  auto plain = parse_listen_address(":7070");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->address, "127.0.0.1");
  EXPECT_EQ(plain->port, 7070);
  EXPECT_EQ(parse_listen_address("localhost:1")->address, "127.0.0.1");
  EXPECT_EQ(parse_listen_address("[::1]:7070")->address, "::1");
  EXPECT_EQ(parse_listen_address("0.0.0.0:80")->address, "0.0.0.0");
  for (const char* wrong : {"", "7070", "x:", "x:99999", "a:b"}) {
    EXPECT_FALSE(parse_listen_address(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace bemi::serve
