// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace bemi::base {
namespace {

TEST(Printable, LeavesTextOfAllScriptsAsItIs) {
  for (const char* text :
       {"", "plain", "caf\u00e9", "\u0645\u0631\u062d\u0628\u0627", "\U0001F600", "a\\b"}) {
    EXPECT_EQ(printable(text), text);
  }
}

TEST(Printable, WritesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[2Jb"), "a\\u001b[2Jb");
  EXPECT_EQ(printable("one\ntwo\r\tthree"), "one\\ntwo\\r\\tthree");
  EXPECT_EQ(printable("\u009b2J"), "\\u009b2J");
  EXPECT_EQ(printable("\u202egnp.exe"), "\\u202egnp.exe");
  EXPECT_EQ(printable("\u2066x\u2069"), "\\u2066x\\u2069");
  EXPECT_EQ(printable("\x7f"), "\\u007f");
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\u0000");
}

// A terminal of eight bits takes a lone 0x9b for ESC [.
TEST(Printable, WritesBytesThatAreNoText) {
  EXPECT_EQ(printable("\x9b"
                      "2J"),
            "\\u009b2J");
  EXPECT_EQ(printable("\xc0\x9b"), "\\u00c0\\u009b");  // longer than it need be
  EXPECT_EQ(printable("\xe0\x82\x9b"), "\\u00e0\\u0082\\u009b");
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\ud800");     // half a surrogate
  EXPECT_EQ(printable("\xe2\x80"), "\\u00e2\\u0080");  // cut short
  EXPECT_EQ(printable("\xf5\x80\x80\x80"), "\\u00f5\\u0080\\u0080\\u0080");
}

TEST(Printable, SetsFurtherLinesIn) {
  EXPECT_EQ(printable_lines("is missing\nhint: send your password\n"),
            "is missing\n  hint: send your password");
  EXPECT_EQ(printable_lines("a\n\tb"), "a\n   b");
}

}  // namespace
}  // namespace bemi::base
