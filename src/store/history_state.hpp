// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The version installed in a destination, and whether this program knows it. A history is upgraded
// from any release; one that a development version made has other tables than any release, and is
// refused in words instead of being half upgraded.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.hpp"
#include "store/migrations.hpp"

namespace bemi::store {

inline constexpr int first_release = 14;  // the newest migration of 0.1.0, which kept no hashes

struct Applied {
  int version = 0;
  std::string name;
  std::string sha256;  // empty: of 0.1.0
};

struct HistoryState {
  std::vector<Applied> applied;  // empty: Bemi was never here
  bool has_hashes = false;
  std::string functions_sha256;
  bool functions_are_newer = false;  // they are those of a newer program
};

int version_of(const Migration& migration);

// Reads only.
base::Result<HistoryState> read_state(pg::Connection& destination);
// Errors of kind unsupported, of a history that is there.
base::Status check_state(pg::Connection& destination, const HistoryState& state);
// Error of kind conflict when something named `changes` stands where a new history is to be.
base::Status check_obstacle(pg::Connection& destination, const std::string& schema);

}  // namespace bemi::store
