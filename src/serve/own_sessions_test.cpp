// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/own_sessions.hpp"

#include <gtest/gtest.h>

#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

const OwnSessions::Clock::time_point start{};

Identity person(const std::string& name) {
  return {.name = name, .role = Role::viewer, .csrf = "c"};
}

TEST(OwnSessions, APersonHasFewAndEndsNobodyElses) {
  OwnSessions sessions;
  sessions.add("anna", person("anna"), start);
  for (int i = 0; i < sessions_max * 3; ++i) {
    sessions.add(std::to_string(i), person("vera"), start + std::chrono::seconds(i));
  }
  EXPECT_EQ(sessions.count(), sessions_max + 1U);
  EXPECT_TRUE(sessions.find("anna", start));
  EXPECT_FALSE(sessions.find("0", start));
  EXPECT_FALSE(sessions.find(std::to_string(sessions_max * 2 - 1), start));
  EXPECT_TRUE(sessions.find(std::to_string(sessions_max * 2), start));
  EXPECT_TRUE(sessions.find(std::to_string(sessions_max * 3 - 1), start));
}

TEST(OwnSessions, EndInTimeAndOnRequest) {
  OwnSessions sessions;
  sessions.add("1", person("vera"), start);
  sessions.add("2", person("vera"), start);
  sessions.add("3", person("anna"), start);
  EXPECT_FALSE(sessions.find("1", start + session_lifetime));
  EXPECT_TRUE(sessions.find("1", start + session_lifetime - std::chrono::nanoseconds(1)));
  sessions.end_all("vera", "2");
  EXPECT_FALSE(sessions.find("1", start));
  EXPECT_TRUE(sessions.find("2", start));
  EXPECT_TRUE(sessions.find("3", start));
  sessions.end("2");
  EXPECT_FALSE(sessions.find("2", start));
  sessions.add("4", person("eve"), start + session_lifetime);
  EXPECT_EQ(sessions.count(), 1U);
}

}  // namespace
}  // namespace bemi::serve
