// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Asks the past, by the functions in the destination's schema `bemi`
// (contracts/history/0002_time_travel.sql). Everything a user says travels as a parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "query/table_name.hpp"

namespace bemi::query {

struct PastOptions {
  std::optional<std::string> source;
  bool partial = false;              // also where not every row is known
  bool allow_stale = false;          // also where the history is not yet known to be complete
  std::optional<std::string> after;  // rows_as_of(): only keys behind this one
  std::optional<std::int64_t> limit;
  // The most JSON of rows that is held at a time, for callers that answer many clients at once. A
  // larger answer is an error of kind limit.
  std::optional<std::int64_t> bytes_max;
};

base::Error too_large(std::int64_t bytes_max);

// A question with many rows as its answer, all of them or, when `bytes` adds up to more than is
// wanted, an error: they are not even sent then.
struct Bounded {
  std::string rows;     // a query
  std::string columns;  // of its rows, which are called v
  std::string bytes;    // of a row
  std::string order;    // ORDER BY, and so on; may be empty
};
base::Result<pg::Rows> within_bytes(pg::Connection& connection, const Bounded& asked,
                                    std::vector<pg::Parameter> parameters,
                                    std::optional<std::int64_t> bytes_max);

struct PastRow {
  std::string row;    // JSON
  std::string texts;  // the same with all values as text
  std::optional<std::string> exact;
  std::optional<std::string> fidelity;
  std::optional<std::string> primary_key;
};
// \pre the columns are row, texts, exact, fidelity, primary_key.
std::vector<PastRow> past_rows(const pg::Rows& rows);

// "row" as jsonb, and the same with all values as text (`texts`); exact, fidelity, primary_key.
// `moment`: a timestamp, an LSN or a transaction id.
base::Result<pg::Rows> rows_as_of(pg::Connection& destination, const std::string& moment,
                                  const TableName& table, const std::optional<std::string>& key,
                                  const PastOptions& options);

// These mark old and new values in the column `changes`, so that callers can colour or remove them.
// Values never contain them.
inline constexpr char old_mark = '\x01';
inline constexpr char new_mark = '\x02';
inline constexpr char end_mark = '\x03';

// SQL of that column, from `operation` and `changed`: {"task": ["Sleep", "Run"]} as a person reads
// it, with marks. Made by the server, which keeps numbers exact.
extern const char* const readable_changes;

// version, valid_from, valid_to, operation, changes (readable), changed, context, row, ...
base::Result<pg::Rows> history(pg::Connection& destination, const TableName& table,
                               const std::string& key, const PastOptions& options);

// column, value (JSON), since, operation, context, transaction_id, id: who set each present value.
base::Result<pg::Rows> blame(pg::Connection& destination, const TableName& table,
                             const std::string& key, const std::optional<std::string>& source);

struct Span {
  std::string since;
  std::string until;
  std::optional<std::string> source;
};

// starts_at, group, changes
base::Result<pg::Rows> trends(pg::Connection& destination, const std::string& interval,
                              const std::string& group_by, const Span& span);

// effective_at, transaction_id, changes, tables, context, source
base::Result<pg::Rows> transactions(pg::Connection& destination, const std::string& context,
                                    const Span& span, std::int64_t limit);

}  // namespace bemi::query
