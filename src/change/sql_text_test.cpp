// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/sql_text.hpp"

#include <gtest/gtest.h>

namespace bemi::change {
namespace {

TEST(SqlText, HasNoLiterals) {
  const std::pair<const char*, const char*> cases[] = {
      {"insert into t values (1, 'S', E'a\\'S', $$S$$, $a$ $$S$$ $a$, 1.5e-3, .5)",
       "insert into t values (?, ?, E?, ?, ?, ?, ?)"},
      {"select a1, \"b'2\", $1 from t2 -- S\nwhere x = 'it''s S'",
       "select a1, \"b'2\", $1 from t2  \nwhere x = ?"},
      {"select /* S /* S */ S */ 1", "select   ?"},
      {"select 'a\\' || S || '", "select ..."},
      {"select 'S", "select ..."},
      {"do $x$ S", "do ..."},
      {"select \"S", "select ..."},
      {"select U&'\\0053', b'01', x'1F', n'S'", "select U&?, b?, x?, n?"},
      {"numeric(10,2)", "numeric(?,?)"},
      {"a1 z2 A3 Z4 _5 \u00e46 [7 {8 @9 `0", "a1 z2 A3 Z4 _5 \u00e46 [? {? @? `?"},
      {"$1 $0 $9a x$1 1e+5 1e-5 2e5 3+4", "$1 $0 $9a x$1 ? ? ? ?+?"},
      {"", ""},
      {"/* S", " "},
  };
  for (const auto& [sql, expected] : cases) EXPECT_EQ(without_literals(sql), expected);
}

TEST(SqlText, HasNoPasswords) {
  const std::pair<const char*, const char*> cases[] = {
      {"alter role a password 'S' valid until '2030-01-01'",
       "alter role a password ? valid until '2030-01-01'"},
      {"create user a Encrypted PassWord E'S'", "create user a Encrypted PassWord E?"},
      {"do $$ begin execute 'alter role a password ''S'''; end $$; select 'kept'",
       "do ?; select 'kept'"},
      {"select 'a', 1 /* no word */", "select 'a', 1 /* no word */"},
      {"alter role a password /* S */ 'S'", "alter role a password /* S */ ?"},
      {"update t set password = 'S' where id = 1", "update t set password = ? where id = 1"},
      {"alter role a password 'S' connection limit 5 login",
       "alter role a password ? connection limit 5 login"},
  };
  for (const auto& [sql, expected] : cases) EXPECT_EQ(without_passwords(sql), expected);
}

}  // namespace
}  // namespace bemi::change
