// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/utf8.hpp"

#include <string>

#include <gtest/gtest.h>

namespace bemi::base {
namespace {

std::uint32_t point(const std::string& text) {
  Utf8Character found = utf8_at(text, 0);
  return found.bytes == text.size() ? found.point : 0;
}

TEST(Utf8, TellsACharacterWithItsBytes) {
  EXPECT_EQ(point("a"), 'a');
  EXPECT_EQ(point("\x7F"), 0x7FU);
  EXPECT_EQ(point("\xC2\x80"), 0x80U);
  EXPECT_EQ(point("\xDF\xBF"), 0x7FFU);
  EXPECT_EQ(point("\xE0\xA0\x80"), 0x800U);
  EXPECT_EQ(point("\xEF\xBF\xBF"), 0xFFFFU);
  EXPECT_EQ(point("\xF0\x90\x80\x80"), 0x10000U);
  EXPECT_EQ(point("\xF4\x8F\xBF\xBF"), 0x10FFFFU);
  EXPECT_EQ(point("\xED\xA0\x80"), 0xD800U);  // half of a surrogate
  EXPECT_EQ(utf8_at("x\xC3\xA9y", 1).point, 0xE9U);
}

TEST(Utf8, NoCharacterHasNoBytes) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC3", "\xC3x", "\xE0\x80\x80", "\xE2\x82", "\xE2\x82x",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xBF\xBF"}) {
    EXPECT_EQ(utf8_at(text, 0).bytes, 0U) << text;
  }
}

}  // namespace
}  // namespace bemi::base
