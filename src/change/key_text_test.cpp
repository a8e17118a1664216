// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/key_text.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace bemi::change {
namespace {

TEST(KeyText, AnOrdinaryKeyIsItsText) {
  std::string longest(base::limits::key_bytes_max, 'k');
  for (const std::string& key : {std::string(), std::string("42"), longest}) {
    EXPECT_EQ(key_name(key), key);
    EXPECT_EQ(key_list_name(key), key);
    EXPECT_EQ(asked_key_name(key), key);
  }
}

TEST(KeyText, ALongKeyHasAShortName) {
  std::string key;
  while (key.size() <= base::limits::key_bytes_max) key += "ü€";
  std::string name = key_name(key);
  EXPECT_LT(name.size(), 300U);
  EXPECT_TRUE(base::valid_utf8(name));
  EXPECT_NE(name, key_name(key + "x"));
  // A question by the name and one by the whole key find the same row.
  EXPECT_EQ(asked_key_name(name), name);
  EXPECT_EQ(asked_key_name(key), name);
}

TEST(KeyText, AKeyOfSeveralColumnsIsStillAList) {
  std::string key = "[\"" + std::string(3000, 'a') + "\", \"b\"]";
  std::string name = key_list_name(key);
  EXPECT_TRUE(base::json_fits_jsonb(name));
  EXPECT_TRUE(name.starts_with("[\"") && name.ends_with("\"]"));
  EXPECT_EQ(asked_key_name(key), name);
}

TEST(KeyText, AKeyThatLooksLikeANameIsAnotherOne) {
  std::string name = key_name(std::string(3000, 'a'));
  EXPECT_NE(key_name(name), name);
  EXPECT_NE(key_name(key_name(name)), key_name(name));
}

// SQL's sha256() must give the same names.
TEST(KeyText, TheHashIsSha256) {
  EXPECT_EQ(key_name(std::string(2001, 'a')),
            std::string(64, 'a') +
                "…sha256:"
                "a0b153f094495e7397ecded317f606264cb1b8dd33e650ddd4be00c2674aa5e7");
}

}  // namespace
}  // namespace bemi::change
