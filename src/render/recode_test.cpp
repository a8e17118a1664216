// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/recode.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "decode/pgoutput.hpp"

namespace bemi::render {
namespace {

using namespace std::string_literals;

// LATIN1, in which 0x81 is no character.
std::shared_ptr<const pg::StoredText> latin1() {
  pg::StoredText::Upper upper;
  for (unsigned byte = 0x80; byte <= 0xFF; ++byte) {
    if (byte == 0x81) continue;
    upper[byte - 0x80] = {static_cast<char>(0xC0U | byte >> 6U),
                          static_cast<char>(0x80U | (byte & 0x3FU))};
  }
  return std::make_shared<pg::StoredText>(std::move(upper));
}

std::optional<std::string> as_latin1(std::string_view bytes) { return latin1()->to_utf8(bytes); }

std::optional<std::string> recoded(const std::string& payload, ToUtf8 to_utf8) {
  return Recode(std::move(to_utf8), nullptr)(payload);
}

const std::string plain_head = "M\1" + std::string(8, '\2');
const std::string streamed_head = "M" + std::string(4, '\3') + "\1" + std::string(8, '\2');

TEST(Recode, AContextBecomesUtf8WithItsLength) {
  for (const std::string& head : {plain_head, streamed_head}) {
    std::string sent = head + "_bemi\0\0\0\0\4"s + "Jos\xE9";
    EXPECT_EQ(recoded(sent, as_latin1), head + "_bemi\0\0\0\0\5"s + "Jos\xC3\xA9");
  }
}

TEST(Recode, LeavesAsciiAndForeignMessagesAndOtherEncodings) {
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0\0\1a"s, as_latin1));
  EXPECT_FALSE(recoded(plain_head + "_bemi_schema\0\0\0\0\1\xE9"s, as_latin1));
  EXPECT_FALSE(recoded("I" + plain_head.substr(1) + "_bemi\0\0\0\0\1\xE9"s, as_latin1));
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0"s, as_latin1));
  EXPECT_FALSE(recoded("M", as_latin1));
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0\0\1\xE9"s, {}));
  EXPECT_FALSE(recoded(plain_head + "_bemi\0\0\0\0\1\xE9"s, [](auto) { return std::nullopt; }));
}

std::string number(std::uint32_t value) {
  std::string bytes;
  base::append_wire(bytes, value);
  return bytes;
}

std::string tuple_of(const std::string& text) {
  return "\0\3"s + "n" + "u" + "t" + number(static_cast<std::uint32_t>(text.size())) + text;
}

// Each message that holds text, before and within a block of a streamed transaction.
TEST(Recode, StoredTextBecomesUtf8InEveryMessage) {
  const std::string oid = number(0x81E9);
  auto messages = [&](const std::string& xid, const std::string& name, const std::string& other,
                      const std::string& text) {
    std::string tuple = tuple_of(text);
    return std::vector<std::string>{
        "I" + xid + oid + "N" + tuple,
        "D" + xid + oid + "O" + tuple,
        "U" + xid + oid + "N" + tuple,
        "U" + xid + oid + "K" + tuple + "N" + tuple,
        "Y" + xid + oid + name + "\0"s + other + "\0"s,
        "O" + std::string(8, '\x81') + name + "\0"s,
        "R" + xid + oid + name + "\0"s + other + "\0"s + "f" + "\0\2"s + "\1" + name + "\0"s +
            number(23) + number(0xFFFFFFFF) + "\0"s + other + "\0"s + number(25) + number(7),
        "M" + xid + "\1" + std::string(8, '\x81') + name + "\0"s + number(1) + "\xE9"};
  };
  for (bool in_stream : {false, true}) {
    std::string xid = in_stream ? number(0xE9E9E9E9) : "";
    Recode recode(as_latin1, latin1());
    if (in_stream) {
      EXPECT_FALSE(recode("S" + number(7) + "\1"));
    }
    auto sent = messages(xid, "\xE9n", "\x81o", "\xE9\x81");
    auto wanted = messages(xid, "\xC3\xA9n", "\xEF\x9E\x81o", "\xC3\xA9\xFF\x81");
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(recode(sent[i]), wanted[i]) << sent[i][0];
      EXPECT_TRUE(decode::parse(wanted[i], in_stream)) << sent[i][0];
    }
    if (in_stream) {
      recode("E");
      EXPECT_EQ(recode(messages("", "n\xE9", "", "")[4]), messages("", "n\xC3\xA9", "", "")[4]);
    }
  }
}

TEST(Recode, LeavesMessagesThatHoldNoTextOrAreCutOff) {
  Recode recode(as_latin1, latin1());
  for (const std::string& payload :
       {"B" + std::string(20, '\xE9'), "C" + std::string(25, '\xE9'), "T" + std::string(9, '\xE9'),
        "I" + number(1) + "N\0\1t\0\0\0\5\xE9"s, "R\xE9"s, "Y" + number(1) + "\xE9"}) {
    EXPECT_FALSE(recode(payload)) << payload[0];
  }
}

}  // namespace
}  // namespace bemi::render
