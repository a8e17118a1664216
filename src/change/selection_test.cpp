// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/selection.hpp"

#include <gtest/gtest.h>

namespace bemi::change {
namespace {

TEST(Wildcard, MatchesRunsAndSingles) {
  EXPECT_TRUE(wildcard_match("*", ""));
  EXPECT_TRUE(wildcard_match("a*b*c", "axxbyyc"));
  EXPECT_TRUE(wildcard_match("a?c", "abc"));
  EXPECT_FALSE(wildcard_match("a?c", "ac"));
  EXPECT_FALSE(wildcard_match("a*", "ba"));
}

TEST(Selection, IncludesExcludesAndNeverItself) {
  auto selection = Selection::parse({.include = {"app.*", "todo"},
                                     .exclude = {"app.session*"},
                                     .ignore_columns = {"*.*.updated_at"},
                                     .redact_columns = {"app.\"Od.d\".secret"}});
  ASSERT_TRUE(selection);
  EXPECT_TRUE(selection->tracks("app", "user"));
  EXPECT_TRUE(selection->tracks("public", "todo"));
  EXPECT_FALSE(selection->tracks("app", "sessions"));
  EXPECT_FALSE(selection->tracks("other", "todo"));
  EXPECT_FALSE(selection->tracks("_bemi", "source"));
  EXPECT_TRUE(selection->ignores("x", "y", "updated_at"));
  EXPECT_TRUE(selection->redacts("app", "Od.d", "secret"));
}

TEST(Selection, RefusesWhatIsNoPattern) {
  for (const char* text : {"", "a.b.c", "a.", "\"a", "."}) {
    EXPECT_FALSE(Selection::parse({.include = {text}})) << text;
  }
}

}  // namespace
}  // namespace bemi::change
