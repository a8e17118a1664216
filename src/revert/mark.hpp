// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Marks: named states of a source. One costs a row in the history, no locks and no triggers; going
// back costs what has changed since. Tables and sequences; the tables' own triggers are off
// meanwhile where the role owns them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "revert/revert.hpp"

namespace bemi::revert {

struct NewMark {
  std::string name;
  std::string comment;
  bool is_protected = false;
};

struct Mark {
  std::string name;
  std::string effective_at;
  std::int64_t epoch = 0;
  std::int64_t commit_position = 0;
  bool is_protected = false;
  std::vector<std::string> not_covered;  // untracked and unlogged tables
};

// The destination's connection must be able to write _bemi.mark.
base::Result<Mark> create_mark(const Ends& ends, const NewMark& wanted);
// name, at, changes since, tables, protected, comment
base::Result<pg::Rows> list_marks(pg::Connection& destination);
// Refused past a protected mark, unless forced.
base::Result<Outcome> roll_back(const Ends& ends, const std::string& name, bool force,
                                const std::string& actor);
base::Result<Outcome> roll_forward(const Ends& ends, const std::string& name,
                                   const std::string& actor);
base::Status delete_mark(const Ends& ends, const std::string& name, bool force);

}  // namespace bemi::revert
