// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/signed_context.hpp"

#include <string>

#include <gtest/gtest.h>

#include "stitch/context.hpp"

namespace bemi::stitch {
namespace {

const std::string mac(44, 'A');
const std::string head =
    R"({"a":1,"_bemi":{"v":1,"scope":"previous","kid":"web","aud":"shop","s":"s1","n":7,"t":1700)";

ReservedMember reserved(const std::string& content) {
  auto context = read_context(content);
  EXPECT_TRUE(context) << content;
  return context ? context->reserved : ReservedMember{};
}

TEST(SignedContext, TheMacSignsAllThatStandsBeforeIt) {
  ReservedMember read = reserved(head + R"(,"x":"9","mac":")" + mac + R"("}})");
  EXPECT_EQ(read.scope, Scope::previous);
  ASSERT_TRUE(read.signature);
  EXPECT_EQ(read.signature->signed_bytes, head + R"(,"x":"9")");
  EXPECT_EQ(read.signature->mac, mac);
  EXPECT_EQ(read.signature->key_id, "web");
  EXPECT_EQ(read.signature->database, "shop");
  EXPECT_EQ(read.signature->session, "s1");
  EXPECT_EQ(read.signature->number, 7);
  EXPECT_EQ(read.signature->signed_at.unix_us, 1700);
  EXPECT_EQ(read.signature->transaction_id, 9U);
}

// What stands behind it would not be signed.
TEST(SignedContext, NothingStandsBehindTheMac) {
  const std::string tail = R"(,"mac":")" + mac + R"("}})";
  const std::string closed = R"(,"mac":")" + mac + R"("})";
  for (const std::string& content : {
           head + closed + R"(,"b":2})",
           head + closed + R"(,"b":{"c":1)" + tail,  // a mac of another member
           head + closed + " }",
           head + tail + " ",
           head + R"(,"mac":")" + mac + R"(","y":1}})",
           head + R"(, "mac":")" + mac + R"("}})",
           head + R"(,"mac":")" + mac + R"(A"}})",
           head + R"(,"mac":"")" + "}}",
           head + "}}",
           std::string(R"({"_bemi":{"mac":""}})"),
       }) {
    ReservedMember read = reserved(content);
    EXPECT_TRUE(read.claims_signature) << content;
    EXPECT_FALSE(read.signature) << content;
  }
}

TEST(SignedContext, WithoutIdAndMacItIsNotSigned) {
  for (const char* content : {R"({"a":1})", R"({"_bemi":{"scope":"next","s":"s1","n":1}})",
                              R"({"_bemi":[]})", R"({"kid":"web","mac":"x"})"}) {
    EXPECT_FALSE(reserved(content).claims_signature) << content;
  }
}

}  // namespace
}  // namespace bemi::stitch
