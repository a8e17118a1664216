// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A closed window of the history as a file of its own: NAME.copy.zst holds a line of JSON that says
// what it is, then the rows in COPY's text format. It can be read without Bemi:
// `zstd -dc FILE | tail -n +2 | psql -c 'copy changes from stdin'`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "pg/connection.hpp"
#include "store/partitions.hpp"

namespace store {

struct Archive {
  Window window;
  std::string columns;  // as COPY takes them
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  // of the file
  std::filesystem::path file;
};

// Writes the window's rows, reads the file again to the last row, and notes it in _bemi.archive.
// \pre the window is closed: nobody writes into it. Error of kind disk_full leaves nothing behind.
base::Result<Archive> write_archive(pg::Connection& destination, const std::string& schema,
                                    const Window& window, const std::filesystem::path& directory);

// What the file says of itself, without reading its rows.
base::Result<Archive> describe_archive(const std::filesystem::path& file);

// The archives of a directory, oldest first. Other files are left out.
base::Result<std::vector<Archive>> list_archives(const std::filesystem::path& directory);

// Copies the rows into `table` (quoted, with the columns of `changes`) and counts them.
base::Status load_archive(pg::Connection& destination, const std::filesystem::path& file,
                          const std::string& table);

// The window is part of `changes` again, and is kept until drop_restored(). One transaction.
// Error of kind conflict when a window with rows of that time is there.
base::Result<Archive> restore_archive(pg::Connection& destination,
                                      const std::filesystem::path& file);
base::Status drop_restored(pg::Connection& destination, const std::string& window);

}  // namespace store
