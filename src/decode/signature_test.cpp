// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/signature.hpp"

#include <gtest/gtest.h>

namespace bemi::decode {
namespace {

using change::SigningKey;

SigningKey key_of(std::string_view secret) { return SigningKey::of(secret); }

// RFC 4231, test cases 1, 2 and 6 (a key of more than a block).
TEST(Signature, IsHmacSha256) {
  EXPECT_EQ(signature_of(key_of(std::string(20, '\x0b')), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(signature_of(key_of("Jefe"), "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(signature_of(key_of(std::string(131, '\xaa')),
                         "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Signature, OfAnotherKeyOrContentIsNone) {
  SigningKey key = key_of("ours");
  std::string message = signature_of(key, "{}") + "{}";
  EXPECT_EQ(verified(key, message), "{}");
  EXPECT_EQ(signed_content(message), "{}");
  EXPECT_FALSE(verified(key_of("theirs"), message));
  EXPECT_FALSE(verified(key, message + " "));
  EXPECT_FALSE(verified(key, "{}"));
  EXPECT_FALSE(verified(key, ""));
  EXPECT_FALSE(verified(key, std::string(64, 'a')));
}

}  // namespace
}  // namespace bemi::decode
