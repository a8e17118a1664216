// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/counters.hpp"

namespace bemi::store {

// Nobody has written the rows of baselines, and DDL is no write of a row: they would spoil the
// share of writes that have a context.
void Counters::count(const change::Change& change) {
  using change::Operation;
  std::int64_t with_context = change.context != "{}" ? 1 : 0;
  changes += 1;
  changes_with_context += with_context;
  if (change.operation == Operation::snapshot || change.operation == Operation::schema) return;
  written += 1;
  written_with_context += with_context;
}

void Counters::count(const change::RefusedCounts& refused) {
  contexts_rejected += refused.context;
  schema_refused += refused.schema;
  messages_refused += refused.other;
}

}  // namespace bemi::store
