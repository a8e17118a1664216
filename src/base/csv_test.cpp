// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/csv.hpp"

#include <gtest/gtest.h>

namespace bemi::base {
namespace {

TEST(Csv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv_field("a b"), "a b");
  EXPECT_EQ(csv_field(""), "\"\"");
  EXPECT_EQ(csv_field("x,\"y\"\r\n"), "\"x,\"\"y\"\"\r\n\"");
  EXPECT_EQ(csv_field("=as it is"), "=as it is");
}

TEST(Csv, IsNoFormula) {
  EXPECT_EQ(csv_text("=cmd|' /C calc'!A0"), "'=cmd|' /C calc'!A0");
  EXPECT_EQ(csv_text("=a,b"), "\"'=a,b\"");
  for (const char* text : {"+1+1", "-1+1", "-", "-x", "-inf", "-1.2.3", "-0x1", "@sum(A1)", "\t=1",
                           "＝1", "＋1", "－1", "＠a", "+1", "=1"}) {
    EXPECT_EQ(csv_text(text), std::string("'") + text);
  }
  EXPECT_EQ(csv_text("\r=1"), "\"'\r=1\"");
  EXPECT_EQ(csv_text("\n=1"), "\"'\n=1\"");
}

TEST(Csv, LeavesNumbersAndWords) {
  for (const char* text : {"-1", "-1.50", "-.5", "-1e-400", "-12345678901234567890", "1-1", "a=b",
                           "1", "{\"a\": 1}"}) {
    EXPECT_EQ(csv_text(text), text == std::string("{\"a\": 1}") ? "\"{\"\"a\"\": 1}\"" : text);
  }
}

}  // namespace
}  // namespace bemi::base
