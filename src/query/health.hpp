// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The health of a source: one judgement, and one sentence that says it, for `bemi status`, the
// dashboard, /readyz and the metrics. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bemi::query {

// What the history and, where it can be asked, the source itself say of a source at one moment.
struct SourceFacts {
  bool has_history = true;  // false: it does not answer, and only the source is known
  std::string state;        // of _bemi.source
  std::string slot;
  std::optional<std::int64_t> progress_age_s;
  std::optional<std::int64_t> silent_s;  // since the worker was last seen
  std::int64_t open_gaps = 0;
  std::int64_t open_table_gaps = 0;
  std::int64_t parked_changes = 0;
  std::int64_t findings = 0;  // rows that changed without a change on record
  std::int64_t contexts_rejected = 0;
  std::int64_t contexts_unverified = 0;  // whose signature does not match
  std::int64_t messages_refused = 0;     // forged ones
  bool is_paused = false;                // by a person

  enum class Source { not_asked, unreachable, answers };
  Source source = Source::not_asked;
  // Only of a source that answers.
  bool has_slot = false;
  bool is_slot_read = false;
  std::string wal_status;
  std::int64_t retained_bytes = 0;
  std::int64_t lag_bytes = 0;
};

enum class Health { good, attention, action };
std::string_view name(Health health);

struct Problem {
  Health health = Health::attention;
  std::string sentence;
};

struct Verdict {
  Health health = Health::good;
  std::string sentence = "Up to date";
  std::vector<Problem> problems;  // the worst first; the first one's sentence is the verdict's
};
// Never good while nothing reads the source.
Verdict verdict_on(const SourceFacts& facts);

}  // namespace bemi::query
