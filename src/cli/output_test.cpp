// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/output.hpp"

#include <gtest/gtest.h>

namespace bemi::cli {
namespace {

TEST(Table, AlignsAndNeverLetsControlCharactersOut) {
  Table table{.headers = {"key", "value"},
              .rows = {{"1", "a\nb\x1b[31m"}, {std::nullopt, "x"}},
              .marked = {}};
  EXPECT_EQ(render_table(table, std::nullopt),
            " key │ value\n"
            "─────┼─────────\n"
            " 1   │ a⏎b·[31m\n"
            "     │ x\n");
}

TEST(Table, FitsTheTerminal) {
  Table table{.headers = {"key", "value"}, .rows = {{"1", std::string(200, 'x')}}, .marked = {}};
  std::string text = render_table(table, 40);
  EXPECT_NE(text.find("…"), std::string::npos);
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos;
       at = end + 1) {
    std::size_t characters = 0;
    for (char c : text.substr(at, end - at)) characters += (c & 0xc0) != 0x80 ? 1 : 0;
    EXPECT_LE(characters, 40U);
  }
}

TEST(Table, WithMoreColumnsThanFitIsPrintedRowByRow) {
  Table table{.headers = {"a", "bb", "ccc"},
              .rows = {{"1", std::string(30, 'x'), std::nullopt}, {"2", "y", "z"}},
              .marked = {}};
  EXPECT_EQ(render_table(table, 18),
            " a   │ 1\n bb  │ xxxxxxxxxx…\n ccc │\n\n a   │ 2\n bb  │ y\n ccc │ z\n");
}

TEST(Table, ColoursWhatWasAndWhatIs) {
  Table table{.headers = {"changes", "n"}, .rows = {{"a: \1x\3 → \2y\3", "1"}}, .marked = 0};
  std::string plain = render_table(table, std::nullopt);
  EXPECT_NE(plain.find(" a: x → y │ 1\n"), std::string::npos) << plain;
  std::string coloured = render_table(table, std::nullopt, /*colour=*/true);
  EXPECT_NE(coloured.find("a: \x1b[31mx\x1b[0m → \x1b[32my\x1b[0m │ 1\n"), std::string::npos);
  // Cut short, it does not run into what follows.
  EXPECT_NE(render_table(table, 14, true).find("\x1b[0m"), std::string::npos);
  // Elsewhere a mark is a character like others, and not let out.
  table.marked.reset();
  EXPECT_EQ(render_table(table, std::nullopt).find('\1'), std::string::npos);
}

TEST(Csv, QuotesAsRfc4180) {
  Table table{.headers = {"a", "b"}, .rows = {{"x,\"y\"", std::nullopt}, {"", "z"}}, .marked = {}};
  EXPECT_EQ(render_csv(table, true), "a,b\r\n\"x,\"\"y\"\"\",\r\n\"\",z\r\n");
  // A column's name or a value must not become a formula.
  table = {.headers = {"=a", "b"}, .rows = {{"@x", "-1.5"}}, .marked = {}};
  EXPECT_EQ(render_csv(table, true), "'=a,b\r\n'@x,-1.5\r\n");
}

}  // namespace
}  // namespace bemi::cli
