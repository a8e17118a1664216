// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/known_identities.hpp"

#include <gtest/gtest.h>

#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

using namespace std::chrono_literals;

constexpr KnownIdentities::Clock::time_point start{};

Identity person(const std::string& name) {
  return {.name = name, .role = Role::operator_, .csrf = "csrf of " + name};
}

TEST(KnownIdentities, AreKnownForHalfAMinute) {
  KnownIdentities known;
  EXPECT_FALSE(known.find("hash", start));
  known.remember("hash", person("ann"), start);
  auto found = known.find("hash", start + 30s - 1ns);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "ann");
  EXPECT_EQ(found->role, Role::operator_);
  EXPECT_EQ(found->csrf, "csrf of ann");
  EXPECT_FALSE(known.find("hash", start + 30s));
  EXPECT_FALSE(known.find("hash", start)) << "it was forgotten";
  EXPECT_FALSE(known.find("other", start));
}

TEST(KnownIdentities, AreReplacedWhenTheyAreFoundAgain) {
  KnownIdentities known;
  known.remember("hash", person("ann"), start);
  known.remember("hash", person("bob"), start + 20s);
  auto found = known.find("hash", start + 49s);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "bob");
}

TEST(KnownIdentities, AreForgottenOneByOneOrByName) {
  KnownIdentities known;
  for (const char* hash : {"1", "2", "3"}) known.remember(hash, person("ann"), start);
  known.remember("4", person("bob"), start);
  known.forget("1");
  EXPECT_FALSE(known.find("1", start));
  EXPECT_TRUE(known.find("2", start));
  known.forget_all("ann", "3");
  EXPECT_FALSE(known.find("2", start));
  EXPECT_TRUE(known.find("3", start));
  EXPECT_TRUE(known.find("4", start));
  known.forget_all("ann");
  EXPECT_FALSE(known.find("3", start));
  EXPECT_TRUE(known.find("4", start));
}

TEST(KnownIdentities, AreNeverTooMany) {
  KnownIdentities known;
  for (std::size_t i = 0; i < identities_max; ++i) {
    known.remember(std::to_string(i), person("ann"), start);
  }
  EXPECT_TRUE(known.find("0", start));
  known.remember("one more", person("ann"), start);
  EXPECT_FALSE(known.find("0", start));
  EXPECT_TRUE(known.find("one more", start));
}

}  // namespace
}  // namespace bemi::serve
