// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/stored_text.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace bemi::pg {
namespace {

// LATIN1, in which 0x81 is no character.
StoredText latin1() {
  StoredText::Upper upper;
  for (unsigned byte = 0x80; byte <= 0xFF; ++byte) {
    if (byte == 0x81) continue;
    upper[byte - 0x80] = {static_cast<char>(0xC0U | byte >> 6U),
                          static_cast<char>(0x80U | (byte & 0x3FU))};
  }
  return StoredText(std::move(upper));
}

TEST(StoredText, KnowsWhichDatabasesTakeAnyByte) {
  for (const char* encoding :
       {"LATIN1", "LATIN10", "ISO_8859_5", "WIN1252", "WIN866", "KOI8R", "SQL_ASCII"}) {
    EXPECT_TRUE(StoredText::takes_any_byte(encoding)) << encoding;
  }
  for (const char* encoding : {"UTF8", "EUC_JP", "EUC_KR", "MULE_INTERNAL", ""}) {
    EXPECT_FALSE(StoredText::takes_any_byte(encoding)) << encoding;
  }
}

TEST(StoredText, EveryByteGoesThereAndBack) {
  std::string every;
  for (unsigned byte = 1; byte <= 0xFF; ++byte) every.push_back(static_cast<char>(byte));
  for (const StoredText& text : {latin1(), StoredText()}) {
    std::string converted = text.to_utf8(every);
    EXPECT_TRUE(base::valid_utf8(converted));
    EXPECT_EQ(text.from_utf8(converted), every);
  }
  EXPECT_EQ(latin1().to_utf8("a\xE9\x81"), "a\xC3\xA9\xEF\x9E\x81");
}

TEST(StoredText, WithoutAnEncodingWhatIsUtf8StaysSo) {
  StoredText text;
  EXPECT_EQ(text.to_utf8("\xC3\xA9\xE2\x82\xAC"), "\xC3\xA9\xE2\x82\xAC");
  EXPECT_EQ(text.to_utf8("\xC3\xA9\xC3"), "\xC3\xA9\xEF\x9F\x83") << "a character cut off";
  EXPECT_EQ(text.from_utf8("\xC3\xA9"), "\xC3\xA9");
  EXPECT_EQ(text.value_to_utf8("\xC3\xA9\xE9"), "\xC3\xA9\xE9") << "as it is";
  EXPECT_TRUE(text.is_text("\xC3\xA9"));
  EXPECT_FALSE(text.is_text("\xE9"));
}

TEST(StoredText, ACharacterThatTheEncodingLacksHasNoWayBack) {
  EXPECT_EQ(latin1().from_utf8("\xE2\x82\xAC"), std::nullopt);
  EXPECT_EQ(latin1().from_utf8("\xEF\x9F\xA9"), std::nullopt) << "it would stand for a character";
  EXPECT_EQ(latin1().from_utf8("\xEF\x9B\x81"), std::nullopt) << "private use, not of a byte";
  EXPECT_EQ(latin1().from_utf8("\xE9"), std::nullopt) << "not UTF-8";
}

TEST(StoredText, InAValueNoCharacterStandsForAByte) {
  EXPECT_EQ(StoredText().value_from_utf8("\xEF\x9E\x81"), "\xEF\x9E\x81") << "an icon's character";
  EXPECT_EQ(latin1().value_from_utf8("\xEF\x9E\x81"), std::nullopt);
  EXPECT_EQ(latin1().value_from_utf8("a\xC3\xA9\t"), "a\xE9\t");
  EXPECT_EQ(StoredText().value_from_utf8("\xC3\xA9"), "\xC3\xA9");
}

TEST(StoredText, AValueWithAByteThatIsNoCharacterIsNotUtf8) {
  EXPECT_EQ(latin1().value_to_utf8("a\xE9"), "a\xC3\xA9");
  EXPECT_EQ(latin1().value_to_utf8("\xC3\x81"), "\xC3\x83\xFF\x81");
  EXPECT_FALSE(base::valid_utf8(latin1().value_to_utf8("\xC3\x81")));
  EXPECT_TRUE(latin1().is_text("a\xE9"));
  EXPECT_FALSE(latin1().is_text("\xC3\x81"));
}

}  // namespace
}  // namespace bemi::pg
