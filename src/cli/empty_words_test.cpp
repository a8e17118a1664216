// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/empty_words.hpp"

#include <gtest/gtest.h>

namespace bemi::cli {
namespace {

std::string refused(std::vector<std::string> words) {
  words.insert(words.begin(), "bemi");
  auto status = refuse_empty_words(words);
  return status ? "" : status.error().message;
}

TEST(EmptyWords, AreRefusedAsFlagsHoweverTheyAreWritten) {
  EXPECT_EQ(refused({"teardown", "--source", "", "--yes"}), "--source is empty");
  EXPECT_EQ(refused({"teardown", "--yes", "--destination="}), "--destination is empty");
  EXPECT_EQ(refused({"run", "--include", "a", "--include", ""}), "--include is empty");
  EXPECT_EQ(refused({"revert", "--apply", ""}), "--apply is empty");
  EXPECT_EQ(refused({"status", "-x", ""}), "-x is empty");
}

TEST(EmptyWords, AreRefusedAsArguments) {
  EXPECT_EQ(refused({""}), "an argument is empty");
  EXPECT_EQ(refused({"teardown", "--destination", "x", "", "--yes"}), "an argument is empty");
  EXPECT_EQ(refused({"history", "item", ""}), "an argument is empty");
  EXPECT_EQ(refused({"history", "--", ""}), "an argument is empty");
  EXPECT_EQ(refused({"history", "-", ""}), "an argument is empty");
}

TEST(EmptyWords, OtherWordsPass) {
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({"teardown", "--source", "a", "--yes"}), "");
  EXPECT_EQ(refused({"teardown", "--destination"}), "");
  EXPECT_EQ(refused({"revert", "--context", "user="}), "") << "a value that ends so";
  EXPECT_EQ(refused({"revert", "--context=user="}), "");
}

TEST(EmptyWords, MayBeNotesForPeople) {
  EXPECT_EQ(refused({"revert", "--reason", ""}), "");
  EXPECT_EQ(refused({"mark", "create", "m", "--comment="}), "");
  EXPECT_EQ(refused({"revert", "--reason", "", "--table", ""}), "--table is empty");
}

}  // namespace
}  // namespace bemi::cli
