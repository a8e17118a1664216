// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/storable_context.hpp"

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

// U+0080 to U+00FF, as LATIN1.
const pg::KnownCharacters latin(std::string(128, '1'));
constexpr std::string_view marked = R"(,"_bemi":{"escaped":true}})";

TEST(StorableContext, ACharacterStandsAsItself) {
  EXPECT_EQ(storable_context(R"({"u\u00e9": "J\u00E9", "b": ["é", "\"\\\u0041\n\\u00e9"]})", latin),
            "{\"ué\": \"Jé\", \"b\": [\"é\", \"\\\"\\\\\\u0041\\n\\\\u00e9\"]}");
  EXPECT_EQ(storable_context(R"({"a":"\u2603\ud83d\ude00😀中\u07ff\u0800"})", {}),
            "{\"a\":\"☃😀😀中\u07ff\u0800\"}");
  EXPECT_EQ(storable_context(R"({"a":"\u007f\u0000\u001f"})", latin),
            R"({"a":"\u007f\u0000\u001f"})");
}

TEST(StorableContext, WhatTheEncodingLacksIsTheTextOfItsEscape) {
  EXPECT_EQ(storable_context(R"({"a":"\u2603é"})", latin),
            R"({"a":"\\u2603é")" + std::string(marked));
  EXPECT_EQ(storable_context(R"({"😀":{"\ud83d\ude00":1}} )", latin),
            R"({"\\ud83d\\ude00":{"\\ud83d\\ude00":1})" + std::string(marked) + " ");
  EXPECT_EQ(storable_context("{\"a\":\"\u0100\"}", latin),
            R"({"a":"\\u0100")" + std::string(marked));
}

}  // namespace
}  // namespace bemi::store
