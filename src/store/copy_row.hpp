// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Change -> one line of COPY's text format (manual, COPY, "Text Format").
#pragma once

#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "change/change.hpp"

namespace store {

// What all rows of one source transaction share, encoded once.
class RowEncoder {
 public:
  RowEncoder(std::string source, std::string database)
      : source_(std::move(source)), database_(std::move(database)) {}

  void begin(const change::Transaction& transaction, base::Timestamp effective_at, int epoch);
  // Appends the line to `out`. What grows large on the way is handed to `drain`, which empties it.
  using Drain = std::function<base::Status(std::string& out)>;
  base::Status append(std::string& out, const change::Change& change, const Drain& drain) const;

  // The columns in the order of append(), for the COPY statement.
  static const char* columns();

 private:
  std::string source_;
  std::string database_;
  change::Transaction transaction_;
  int epoch_ = 1;
  std::string place_;  // source and database, escaped
  std::string times_;  // committed_at to epoch and commit_position, with their tabs
};

void append_copy_text(std::string& out, std::string_view text);

}  // namespace store
