// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The destination's SQL, compiled in from contracts/history/ in the order of its file names.
#pragma once

#include <span>

namespace store {

struct Migration {
  const char* name;  // "0001_changes"; the number is the version
  const char* sql;   // @schema@ stands for the quoted schema of `changes`
};

std::span<const Migration> migrations();

}  // namespace store
