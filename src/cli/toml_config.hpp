// SPDX-License-Identifier: LGPL-3.0-or-later
//
// bemi.toml: key = value. Read only when nobody but us could have written it: it says where the
// history goes.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace bemi::cli {

struct TomlFile {
  std::string file;                                         // for messages
  std::map<std::string, std::vector<std::string>> entries;  // a single value is a list of one
};

// `path` empty: ./bemi.toml if it is there, else nothing. Errors of kind usage: not TOML, a value
// that is a table, a file that others can write.
base::Result<TomlFile> read_toml(const std::string& path);

}  // namespace bemi::cli
