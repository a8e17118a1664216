// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/empty_flags.hpp"

#include <gtest/gtest.h>

namespace bemi::cli {
namespace {

std::string refused(std::vector<std::string> words) {
  words.insert(words.begin(), "bemi");
  auto status = refuse_empty_flags(words);
  return status ? "" : status.error().message;
}

TEST(EmptyFlags, AreRefusedHoweverTheyAreWritten) {
  EXPECT_EQ(refused({"teardown", "--source", "", "--yes"}), "--source is empty");
  EXPECT_EQ(refused({"teardown", "--yes", "--destination="}), "--destination is empty");
  EXPECT_EQ(refused({"run", "--include", "a", "--include", ""}), "--include is empty");
  EXPECT_EQ(refused({"revert", "--apply", ""}), "--apply is empty");
  EXPECT_EQ(refused({"status", "-x", ""}), "-x is empty");
}

TEST(EmptyFlags, OfOtherWordsNothingIsSaid) {
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({"teardown", "--source", "a", "--yes"}), "");
  EXPECT_EQ(refused({"teardown", "--destination"}), "");
  EXPECT_EQ(refused({"revert", "--context", "user="}), "") << "a value that ends so";
  EXPECT_EQ(refused({"revert", "--context=user="}), "");
  EXPECT_EQ(refused({"history", "item", ""}), "") << "a key may be empty";
  EXPECT_EQ(refused({"history", "--", "--odd", ""}), "");
  EXPECT_EQ(refused({"history", "-", ""}), "");
}

TEST(EmptyFlags, NotesForPeopleMayBe) {
  EXPECT_EQ(refused({"revert", "--reason", ""}), "");
  EXPECT_EQ(refused({"mark", "create", "m", "--comment="}), "");
  EXPECT_EQ(refused({"revert", "--reason", "", "--table", ""}), "--table is empty");
}

}  // namespace
}  // namespace bemi::cli
