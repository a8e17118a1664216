// SPDX-License-Identifier: LGPL-3.0-or-later
#include "secret/box.hpp"

#include <gtest/gtest.h>

namespace bemi::secret {
namespace {

const std::string key_text = "a key that is long enough to be a key";

TEST(SecretBox, OpensWhatItSealed) {
  auto box = Box::of_key(key_text);
  ASSERT_TRUE(box);
  for (const std::string& plain : {std::string(), std::string("postgresql://a:b@c/d"),
                                   std::string("\0\xff", 2), std::string(100'000, 'x')}) {
    std::string sealed = box->seal("source", plain);
    EXPECT_EQ(box->open("source", sealed).value(), plain);
    if (!plain.empty()) {
      EXPECT_EQ(sealed.find(plain), std::string::npos);
    }
    EXPECT_NE(sealed, box->seal("source", plain)) << "each has a nonce of its own";
  }
}

TEST(SecretBox, StaysShutForAnyOther) {
  auto box = Box::of_key(key_text).value();
  auto other = Box::of_key(key_text + "!").value();
  std::string sealed = box.seal("source", "secret");
  EXPECT_FALSE(other.open("source", sealed));
  EXPECT_FALSE(box.open("webhook", sealed));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string damaged = sealed;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(box.open("source", damaged)) << i;
    EXPECT_FALSE(box.open("source", sealed.substr(0, i))) << i;
  }
}

TEST(SecretBox, TakesNoShortKey) { EXPECT_FALSE(Box::of_key("password")); }

}  // namespace
}  // namespace bemi::secret
