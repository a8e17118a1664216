// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Undo: what changes a source. `serve` connects to none; who starts it wires this, with the role
// that may. Called from many threads; each call has its own connections.
#pragma once

#include <string>

#include "revert/mark.hpp"
#include "revert/revert.hpp"

namespace bemi::serve {

class Undo {
 public:
  virtual ~Undo() = default;
  virtual base::Result<revert::Plan> plan(const revert::Request& request) = 0;
  virtual base::Result<revert::Outcome> apply(const revert::Request& request,
                                              const std::string& digest) = 0;
  virtual base::Result<revert::Mark> create_mark(const revert::NewMark& wanted) = 0;
  virtual base::Result<revert::Outcome> roll_back(const std::string& mark, bool force,
                                                  const std::string& actor) = 0;
  virtual base::Result<revert::Outcome> roll_forward(const std::string& mark,
                                                     const std::string& actor) = 0;
  virtual base::Status delete_mark(const std::string& mark, bool force) = 0;
};

}  // namespace bemi::serve
