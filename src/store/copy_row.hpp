// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Change -> one row of COPY's binary format (manual, COPY, "Binary Format"): what the server would
// parse from text, times, numbers and escapes, costs it a sixth of all that storing a change costs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "change/change.hpp"
#include "store/change_id.hpp"

namespace bemi::store {

// The fields that all rows of one source transaction share, encoded once.
class RowEncoder {
 public:
  RowEncoder(std::string source, std::string database)
      : source_(std::move(source)), database_(std::move(database)) {}

  // \pre begin()
  [[nodiscard]] Uuid id_of(const change::Change& change) const;
  void begin(const change::Transaction& transaction, base::Timestamp effective_at, int epoch);
  // Appends the row to `out`. What grows large on the way is handed to `drain`, which empties it.
  using Drain = std::function<base::Status(std::string& out)>;
  base::Status append(std::string& out, const change::Change& change, const Drain& drain) const;

  // The columns in the order of append(), for the COPY statement.
  static std::string_view columns();
  // COPY TABLE (columns) FROM STDIN; what is sent begins with header() and ends with trailer().
  static std::string copy_command(const std::string& table);
  static std::string_view header();
  static std::string_view trailer();

 private:
  std::string source_;
  std::string database_;
  change::Transaction transaction_;
  int epoch_ = 1;
  std::string place_;  // the fields source and database
  std::string times_;  // the fields committed_at to commit_position
};

// For COPY's text format.
void append_copy_text(std::string& out, std::string_view text);

}  // namespace bemi::store
