// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Files that are believed because nobody else could have written them, and files that nobody else
// may read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace bemi::host {

// The whole file; nullopt when there is none. Error of kind usage, with the command that mends it,
// unless it is ours or root's and others cannot write it: where we ourselves cannot tell who wrote
// it, we do not do what it says.
base::Result<std::optional<std::string>> read_own_file(const std::filesystem::path& path);

// The same of a folder that programs are started in.
base::Status check_own_folder(const std::filesystem::path& path);

// Never readable by others, not even for a moment; replaces what was there.
base::Status write_secret(const std::filesystem::path& path, const std::string& text);

}  // namespace bemi::host
