// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/health.hpp"

#include <gtest/gtest.h>

namespace bemi::query {
namespace {

SourceFacts healthy() {
  return {.state = "streaming",
          .slot = "bemi_shop",
          .progress_age_s = 5,
          .silent_s = 5,
          .source = SourceFacts::Source::answers,
          .has_slot = true,
          .is_slot_read = true,
          .wal_status = "reserved"};
}

std::vector<std::string> sentences(const SourceFacts& facts) {
  std::vector<std::string> all;
  for (const Problem& problem : verdict_on(facts).problems) all.push_back(problem.sentence);
  return all;
}

TEST(Health, ASourceThatIsReadIsUpToDate) {
  Verdict verdict = verdict_on(healthy());
  EXPECT_EQ(name(verdict.health), "good");
  EXPECT_EQ(verdict.sentence, "Up to date");
  EXPECT_TRUE(verdict.problems.empty());
}

TEST(Health, ASourceThatDoesNotAnswerNeedsAction) {
  SourceFacts facts = healthy();
  facts.source = SourceFacts::Source::unreachable;
  facts.has_slot = false;
  facts.is_slot_read = false;
  EXPECT_EQ(verdict_on(facts).health, Health::action);
  EXPECT_EQ(sentences(facts),
            std::vector<std::string>{"The source does not answer. Its changes wait in the WAL that "
                                     "the slot bemi_shop retains"});
}

TEST(Health, ASlotThatNobodyReadsIsNeverGood) {
  SourceFacts facts = healthy();
  facts.is_slot_read = false;
  facts.retained_bytes = 5'300'000;
  facts.silent_s = 59;
  EXPECT_EQ(verdict_on(facts).health, Health::attention);
  facts.silent_s = 60;
  EXPECT_EQ(verdict_on(facts).health, Health::action);
  facts.silent_s.reset();
  EXPECT_EQ(verdict_on(facts).health, Health::action);
  EXPECT_EQ(verdict_on(facts).sentence,
            "No worker reads the slot bemi_shop, so nothing is stored, and the source retains its "
            "WAL (5.3 MB). Start a worker with bemi run");
}

TEST(Health, AHistoryThatDoesNotAnswerNeedsAction) {
  SourceFacts facts = healthy();
  facts.has_history = false;
  facts.is_slot_read = false;
  facts.retained_bytes = 84'100;
  EXPECT_EQ(verdict_on(facts).sentence,
            "The history does not answer. Changes wait in the WAL that the slot bemi_shop retains "
            "(84.1 kB)");
  EXPECT_EQ(verdict_on(facts).health, Health::action);
}

TEST(Health, APauseIsSaidInsteadOfAMissingWorker) {
  SourceFacts facts = healthy();
  facts.is_slot_read = false;
  facts.is_paused = true;
  facts.retained_bytes = 2'000;
  EXPECT_EQ(sentences(facts),
            std::vector<std::string>{"Tracking is paused, and the source retains its WAL (2.0 kB). "
                                     "Resume it before the disk fills up"});
}

TEST(Health, ASlotThatIsGoneOrLostNeedsAction) {
  SourceFacts facts = healthy();
  facts.has_slot = false;
  facts.is_slot_read = false;
  EXPECT_EQ(verdict_on(facts).sentence,
            "The replication slot bemi_shop does not exist. To continue with a recorded gap, run "
            "bemi init --accept-gap");
  facts.has_slot = true;
  facts.wal_status = "lost";
  EXPECT_EQ(verdict_on(facts).sentence,
            "The source removed WAL that the slot bemi_shop still needed. To continue with a "
            "recorded gap, run bemi init --accept-gap");
  EXPECT_EQ(verdict_on(facts).problems.size(), 1U);
  facts.wal_status = "unreserved";
  facts.is_slot_read = true;
  EXPECT_EQ(verdict_on(facts).health, Health::action);
}

TEST(Health, AWorkerElsewhereIsJudgedByItsSilence) {
  SourceFacts facts = healthy();
  facts.source = SourceFacts::Source::not_asked;
  facts.silent_s = 120;
  EXPECT_EQ(verdict_on(facts).health, Health::good);
  facts.silent_s = 121;
  EXPECT_EQ(verdict_on(facts).health, Health::attention);
  facts.silent_s = 601;
  EXPECT_EQ(verdict_on(facts).health, Health::action);
  EXPECT_EQ(verdict_on(facts).sentence,
            "The worker was last seen 10 min ago. Check it on its own host");
  facts.is_paused = true;
  EXPECT_EQ(verdict_on(facts).health, Health::attention);
}

TEST(Health, LagIsWorthAttention) {
  SourceFacts facts = healthy();
  facts.lag_bytes = 64'000'000;
  facts.progress_age_s = 180;
  EXPECT_EQ(verdict_on(facts).health, Health::good);
  facts.lag_bytes = 64'000'001;
  facts.progress_age_s = 181;
  EXPECT_EQ(sentences(facts),
            (std::vector<std::string>{"The history is 64.0 MB of WAL behind the source",
                                      "Progress was last stored 3 min ago"}));
  EXPECT_EQ(verdict_on(facts).health, Health::attention);
}

TEST(Health, ASignatureThatDoesNotMatchNeedsAttention) {
  SourceFacts facts = healthy();
  facts.contexts_unverified = 1;
  EXPECT_EQ(verdict_on(facts).health, Health::attention);
  EXPECT_EQ(verdict_on(facts).sentence,
            "1 context has a signature that does not match. See bemi check");
  facts.contexts_unverified = 2;
  EXPECT_EQ(verdict_on(facts).sentence,
            "2 contexts have a signature that does not match. See bemi check");
}

TEST(Health, TheWorstProblemIsTheSentence) {
  SourceFacts facts = healthy();
  facts.contexts_rejected = 1;
  facts.messages_refused = 2;
  facts.open_table_gaps = 1;
  facts.parked_changes = 1;
  facts.findings = 3;
  facts.open_gaps = 1;
  EXPECT_EQ(
      sentences(facts),
      (std::vector<std::string>{
          "The history has a gap. To continue with a new baseline, run bemi init --accept-gap",
          "3 rows were changed without a change on record. See bemi check",
          "1 change could not be stored. Their bytes are in _bemi.parked: see bemi check",
          "Not all changes of 1 table are known. See bemi check",
          "2 messages claimed to be Bemi's and were refused. See bemi check",
          "1 context could not be read. The changes are stored without them"}));
  EXPECT_EQ(verdict_on(facts).sentence, sentences(facts).front());
  EXPECT_EQ(verdict_on(facts).health, Health::action);
}

TEST(Health, TheFirstStartIsNotYetWhole) {
  SourceFacts facts = healthy();
  facts.state = "creating";
  facts.has_slot = false;
  facts.is_slot_read = false;
  EXPECT_EQ(verdict_on(facts).health, Health::attention);
  EXPECT_EQ(verdict_on(facts).problems.size(), 1U);
}

}  // namespace
}  // namespace bemi::query
