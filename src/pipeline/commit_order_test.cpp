// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/commit_order.hpp"

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace bemi::pipeline {
namespace {

using namespace std::chrono_literals;
using Waited = CommitOrder::Waited;

TEST(CommitOrder, OneTakesAtATimeAndCommitsAreInOrder) {
  constexpr CommitOrder::Number turns_max = 2000;
  CommitOrder turns;
  std::atomic<int> taking{0};
  std::atomic<CommitOrder::Number> last{0};
  std::atomic<int> wrong{0};
  auto work = [&](bool first) {
    std::mt19937 random{std::random_device{}()};
    auto turn = first ? std::optional(CommitOrder::first) : turns.take();
    while (turn) {
      if (taking.fetch_add(1) != 0) ++wrong;
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 50));
      --taking;
      turns.hand_on();
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 200));
      if (turns.wait_for(*turn, 10s) != Waited::done) break;
      if (last.exchange(*turn) != *turn - 1) ++wrong;
      turns.committed(*turn);
      if (*turn >= turns_max) turns.close();
      turn = turns.take();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back(work, i == 0);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(last.load(), turns_max);
}

TEST(CommitOrder, ACommitIsNotWaitedForForever) {
  CommitOrder turns;
  turns.hand_on();
  EXPECT_EQ(turns.take(), 2);
  EXPECT_EQ(turns.wait_for(2, 1ms), Waited::timeout);
  turns.committed(CommitOrder::first);
  EXPECT_EQ(turns.wait_for(2, 1ms), Waited::done);
}

TEST(CommitOrder, ATurnThatWasGivenBackIsTakenAgain) {
  CommitOrder turns;
  turns.hand_on();
  EXPECT_EQ(turns.take(), 2);
  turns.give_back();
  EXPECT_EQ(turns.take(), 2);
}

TEST(CommitOrder, AtTheEndNobodyWaits) {
  CommitOrder turns;
  std::jthread waits([&] { EXPECT_EQ(turns.take(), std::nullopt); });
  std::jthread commits([&] { EXPECT_EQ(turns.wait_for(5, 10s), Waited::closed); });
  turns.close();
}

}  // namespace
}  // namespace bemi::pipeline
