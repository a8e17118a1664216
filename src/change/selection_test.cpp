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

TEST(Wildcard, ARunTriesEveryPlace) {
  EXPECT_TRUE(wildcard_match("a*bc", "abcbc"));
  EXPECT_TRUE(wildcard_match("*ab", "aab"));
  EXPECT_TRUE(wildcard_match("a**", "a"));
  EXPECT_TRUE(wildcard_match("", ""));
  EXPECT_TRUE(wildcard_match("ab", "ab"));
  EXPECT_FALSE(wildcard_match("", "a"));
  EXPECT_FALSE(wildcard_match("ab", "a"));
  EXPECT_FALSE(wildcard_match("ab", "abc"));
  EXPECT_FALSE(wildcard_match("a*b", "abc"));
  EXPECT_FALSE(wildcard_match("a*?", "a"));
  EXPECT_FALSE(wildcard_match("?", ""));
}

// The same pattern as PostgreSQL's, which the event triggers match by.
TEST(Wildcard, IsAnAnchoredRegularExpression) {
  EXPECT_EQ(regex_of("a*b?c"), "^a.*b.c$");
  EXPECT_EQ(regex_of(""), "^$");
  EXPECT_EQ(regex_of(".\\+[]{}()^$|"), "^\\.\\\\\\+\\[\\]\\{\\}\\(\\)\\^\\$\\|$");
  EXPECT_EQ(regex_of("/-_ü"), "^/-_ü$");
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

TEST(Selection, TracksEverythingButWhatIsTheSystemsOrItsOwn) {
  auto all = Selection::parse({});
  ASSERT_TRUE(all);
  for (const char* schema : {"public", "Other Schema", "bemi", "pg", "apg_", "_bemi2", ""}) {
    EXPECT_TRUE(all->tracks(schema, "todo")) << schema;
  }
  for (const char* schema : {"pg_catalog", "pg_toast", "pg_temp_3", "information_schema", "_bemi",
                             "_bemi_setup", "_bemi_source"}) {
    EXPECT_FALSE(all->tracks(schema, "todo")) << schema;
  }
  auto named = Selection::parse({.include = {"_bemi.*", "pg_catalog.*"}});
  EXPECT_FALSE(named->tracks("_bemi", "source"));
  EXPECT_FALSE(named->tracks("pg_catalog", "pg_class"));
}

TEST(Selection, ATableBothIncludedAndExcludedIsExcluded) {
  auto selection = Selection::parse({.include = {"todo"}, .exclude = {"todo"}});
  EXPECT_FALSE(selection->tracks("public", "todo"));
}

TEST(Selection, APatternMatchesAllItsParts) {
  auto selection = Selection::parse(
      {.ignore_columns = {"app.todo.a", "b.c"}, .redact_columns = {"app.user.mail", "*.*.secret"}});
  ASSERT_TRUE(selection);
  EXPECT_TRUE(selection->ignores("app", "todo", "a"));
  EXPECT_FALSE(selection->ignores("app", "todo", "b"));
  EXPECT_FALSE(selection->ignores("app", "other", "a"));
  EXPECT_FALSE(selection->ignores("public", "todo", "a"));
  EXPECT_TRUE(selection->ignores("public", "b", "c"));
  EXPECT_FALSE(selection->redacts("app", "todo", "a"));
  EXPECT_TRUE(selection->redacts_any());
  ASSERT_TRUE(selection->redacting("x", "y", "secret"));
  EXPECT_EQ(*selection->redacting("x", "y", "secret"), "*.*.secret");
  EXPECT_EQ(*selection->redacting("app", "user", "mail"), "app.user.mail");
  EXPECT_EQ(selection->redacting("app", "user", "name"), nullptr);
  EXPECT_TRUE(selection->has_redaction("*.*.secret"));
  EXPECT_FALSE(selection->has_redaction("secret"));
  EXPECT_FALSE(Selection::parse({})->redacts_any());
}

TEST(Selection, APartMayBeQuotedAsInSql) {
  auto selection = Selection::parse({.include = {R"("a""b"."c.d")", R"(x"y z".t)"}});
  ASSERT_TRUE(selection);
  EXPECT_TRUE(selection->tracks("a\"b", "c.d"));
  EXPECT_TRUE(selection->tracks("xy z", "t"));
  EXPECT_FALSE(selection->tracks("ab", "c.d"));
  EXPECT_EQ(selection->include()[0].parts, (std::vector<std::string>{"a\"b", "c.d"}));
}

TEST(Selection, RefusesWhatIsNoPattern) {
  for (const char* text : {"", "a.b.c", "a.", "\"a", "."}) {
    auto selection = Selection::parse({.include = {text}});
    ASSERT_FALSE(selection) << text;
    EXPECT_EQ(selection.error().kind, base::ErrorKind::usage);
    EXPECT_EQ(selection.error().message, std::string("not a pattern: ") + text);
    EXPECT_EQ(selection.error().hint, "write schema.table, with * as a wildcard");
    EXPECT_FALSE(Selection::parse({.exclude = {text}})) << text;
  }
  for (const char* text : {"", "a", "a.b.c.d", "a..b", "\"a.b.c"}) {
    auto selection = Selection::parse({.ignore_columns = {text}});
    ASSERT_FALSE(selection) << text;
    EXPECT_EQ(selection.error().hint, "write schema.table.column, with * as a wildcard");
    EXPECT_FALSE(Selection::parse({.redact_columns = {text}})) << text;
  }
}

}  // namespace
}  // namespace bemi::change
