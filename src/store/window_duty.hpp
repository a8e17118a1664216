// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Decides what to do with each partition of the history. Pure; maintenance.cpp collects the states
// and does the work.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "store/maintenance.hpp"
#include "store/partitions.hpp"

namespace bemi::store {

struct WindowState {
  Window window;
  bool closed = false;     // nobody writes into it any more
  bool sealed = false;     // its constraint says so
  bool listed = false;     // its keys are listed
  bool detaching = false;  // cut short while it was dropped
  bool restored = false;   // brought back from an archive: somebody wants it
  bool archived = false;
  bool due = false;    // its retention is over
  bool thins = false;  // the retention of some tables is over
  std::string size;
};

struct Duty {
  MaintenanceStep::Kind kind = MaintenanceStep::Kind::keep;
  std::size_t window = 0;  // which of the states
  bool operator==(const Duty&) const = default;
};

// In the order in which they are to be done. `states` from old to new.
std::vector<Duty> duties(const std::vector<WindowState>& states, bool archives);

}  // namespace bemi::store
