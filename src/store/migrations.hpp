// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The destination's SQL, compiled in from contracts/history/. Tables change by numbered migrations,
// none of which is ever edited once it was released; functions and views are applied whole.
// In all of it @schema@ stands for the quoted schema of `changes`.
#pragma once

#include <span>
#include <string_view>

namespace bemi::store {

struct Migration {
  const char* name;    // "0001_changes"; the number is the version
  const char* sha256;  // of the file
  const char* sql;
};

struct FunctionFile {
  const char* name;
  const char* sql;
};

// In the order of their numbers.
std::span<const Migration> migrations();
std::span<const FunctionFile> function_files();
// The digest of all these files together, with their names.
std::string_view functions_sha256();
// The version of the program: "0.2.0".
std::string_view program_version();

}  // namespace bemi::store
