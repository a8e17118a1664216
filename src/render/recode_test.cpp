// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/recode.hpp"

#include <gtest/gtest.h>

namespace bemi::render {
namespace {

using namespace std::string_literals;

std::optional<std::string> as_latin1(std::string_view bytes) {
  std::string text;
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(0xC0U | byte >> 6U));
      text.push_back(static_cast<char>(0x80U | (byte & 0x3FU)));
    }
  }
  return text;
}

const std::string plain_head = "M\1" + std::string(8, '\2');
const std::string streamed_head = "M" + std::string(4, '\3') + "\1" + std::string(8, '\2');

TEST(Recode, AContextBecomesUtf8WithItsLength) {
  for (const std::string& head : {plain_head, streamed_head}) {
    std::string sent = head + "_bemi\0\0\0\0\4"s + "Jos\xE9";
    EXPECT_EQ(recoded(sent, as_latin1), head + "_bemi\0\0\0\0\5"s + "Jos\xC3\xA9");
  }
}

TEST(Recode, WhatIsAsciiOrNotOursOrNotTheEncodingStays) {
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0\0\1a"s, as_latin1));
  EXPECT_FALSE(recoded(plain_head + "_bemi_schema\0\0\0\0\1\xE9"s, as_latin1));
  EXPECT_FALSE(recoded("I" + plain_head.substr(1) + "_bemi\0\0\0\0\1\xE9"s, as_latin1));
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0"s, as_latin1));
  EXPECT_FALSE(recoded("M", as_latin1));
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0\0\1\xE9"s, {}));
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0\0\1\xE9"s, [](auto) { return std::nullopt; }));
}

}  // namespace
}  // namespace bemi::render
