// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/health.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/counted.hpp"

namespace bemi::query {
namespace {

// A worker stores its progress every 30 s, and a start takes a few seconds.
constexpr std::int64_t restart_s = 60;
constexpr std::int64_t silence_s = 120;
constexpr std::int64_t long_silence_s = 600;
constexpr std::int64_t late_s = 180;
constexpr std::int64_t late_bytes = 64'000'000;

constexpr const char* go_on_with_a_gap =
    " To continue with a recorded gap, run bemi init --accept-gap";

std::string span(std::int64_t seconds) {
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 86'400) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86'400);
}

class Problems {
 public:
  void add(bool there, Health health, std::string sentence) {
    if (there) found_.push_back({health, std::move(sentence)});
  }
  std::vector<Problem> worst_first() {
    std::ranges::stable_sort(found_, std::ranges::greater(), &Problem::health);
    return std::move(found_);
  }

 private:
  std::vector<Problem> found_;
};

void look_at_slot(const SourceFacts& facts, Problems& problems) {
  const std::string& slot = facts.slot;
  bool is_lost = facts.wal_status == "lost";
  bool is_unread = facts.has_slot && !is_lost && !facts.is_slot_read;
  problems.add(!facts.has_slot && facts.state == "streaming", Health::action,
               "The replication slot " + slot + " does not exist." + go_on_with_a_gap);
  problems.add(
      is_lost, Health::action,
      "The source removed WAL that the slot " + slot + " still needed." + go_on_with_a_gap);
  problems.add(facts.wal_status == "unreserved", Health::action,
               "The source will soon remove WAL that the slot " + slot +
                   " needs. The worker must catch up now");
  problems.add(is_unread && !facts.is_paused,
               facts.silent_s.value_or(restart_s) < restart_s ? Health::attention : Health::action,
               fmt::format("No worker reads the slot {}, so nothing is stored, and the source "
                           "retains its WAL ({}). Start a worker with bemi run",
                           slot, base::size_text(facts.retained_bytes)));
  problems.add(facts.lag_bytes > late_bytes, Health::attention,
               "The history is " + base::size_text(facts.lag_bytes) + " of WAL behind the source");
  std::int64_t age = facts.progress_age_s.value_or(0);
  problems.add(facts.is_slot_read && age > late_s, Health::attention,
               "Progress was last stored " + span(age) + " ago");
}

// Of a source that cannot be asked, the history alone tells whether it is read.
void look_at_silence(const SourceFacts& facts, Problems& problems) {
  std::int64_t silent = facts.silent_s.value_or(0);
  problems.add(silent > silence_s && !facts.is_paused,
               silent > long_silence_s ? Health::action : Health::attention,
               "The worker was last seen " + span(silent) + " ago. Check it on its own host");
}

void look_at_history(const SourceFacts& facts, Problems& problems) {
  problems.add(facts.state == "creating", Health::attention,
               "Tracking begins: the history does not have the existing rows yet");
  problems.add(facts.open_gaps > 0, Health::action,
               "The history has a gap. To continue with a new baseline, run bemi init "
               "--accept-gap");
  problems.add(facts.findings > 0, Health::action,
               base::counted(facts.findings, "row") + (facts.findings == 1 ? " was" : " were") +
                   " changed without a change on record. See bemi check");
  problems.add(facts.parked_changes > 0, Health::action,
               base::counted(facts.parked_changes, "change") +
                   " could not be stored. Their bytes are in _bemi.parked: see bemi check");
  // Any role that may log in can cause it, and must not be able to make /readyz fail.
  problems.add(facts.contexts_unverified > 0, Health::attention,
               base::counted(facts.contexts_unverified, "context") +
                   (facts.contexts_unverified == 1 ? " has" : " have") +
                   " a signature that does not match. See bemi check");
  problems.add(facts.open_table_gaps > 0, Health::attention,
               "Not all changes of " + base::counted(facts.open_table_gaps, "table") +
                   " are known. See bemi check");
  problems.add(facts.messages_refused > 0, Health::attention,
               base::counted(facts.messages_refused, "message") +
                   " claimed to be Bemi's and were refused. See bemi check");
  problems.add(facts.contexts_rejected > 0, Health::attention,
               base::counted(facts.contexts_rejected, "context") +
                   " could not be read. The changes are stored without them");
}

}  // namespace

std::string_view name(Health health) {
  switch (health) {
    case Health::good: return "good";
    case Health::attention: return "attention";
    case Health::action: return "action";
  }
  return "";
}

Verdict verdict_on(const SourceFacts& facts) {
  Problems problems;
  problems.add(facts.source == SourceFacts::Source::unreachable, Health::action,
               "The source does not answer. Its changes wait in the WAL that the slot " +
                   facts.slot + " retains");
  problems.add(!facts.has_history, Health::action,
               "The history does not answer. Changes wait in the WAL that the slot " + facts.slot +
                   " retains (" + base::size_text(facts.retained_bytes) + ")");
  if (facts.source == SourceFacts::Source::answers) look_at_slot(facts, problems);
  if (facts.source == SourceFacts::Source::not_asked) look_at_silence(facts, problems);
  problems.add(facts.is_paused, Health::attention,
               "Tracking is paused, and the source retains its WAL (" +
                   base::size_text(facts.retained_bytes) + "). Resume it before the disk fills up");
  look_at_history(facts, problems);
  Verdict verdict{.problems = problems.worst_first()};
  if (!verdict.problems.empty()) {
    verdict.health = verdict.problems.front().health;
    verdict.sentence = verdict.problems.front().sentence;
  }
  return verdict;
}

}  // namespace bemi::query
