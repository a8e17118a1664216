// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ChainCheck: beside the stream, on a thread and a connection of its own, compares a few of the
// newest changes with what the history had of their rows: where the old row that the source sent is
// not the one that was stored last, something changed it that is not on record. A bounded sample,
// not a proof; what it finds goes into _bemi.finding. Its failures are logged, never fatal.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/periodic.hpp"
#include "pg/connection.hpp"
#include "pipeline/settings.hpp"

namespace bemi::worker {

class ChainCheck {
 public:
  // `interrupt`: ends its waits and its statements.
  ChainCheck(const pipeline::Settings& settings, std::string source_name,
             const base::Interrupt& interrupt);

 private:
  std::chrono::milliseconds look();  // the pause until the next time
  base::Status compare();
  base::Status note(const pg::Rows& rows, int row, const std::string& columns);
  [[nodiscard]] std::string contradicted(const pg::Rows& rows, int row) const;

  const pipeline::Settings* settings_;
  std::string source_name_;
  const base::Interrupt* interrupt_;
  std::optional<pg::Connection> destination_;
  std::string changes_;
  std::string seen_until_ = "-infinity";  // effective_at
  base::Periodic periodic_;               // last: it uses the others
};

}  // namespace bemi::worker
