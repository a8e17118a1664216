// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A closed window of the history as a file of its own: NAME.copy.zst holds a line of JSON that says
// what it is, then the rows in COPY's text format. It can be read without Bemi:
// `zstd -dc FILE | tail -n +2 | psql -c 'copy changes from stdin'`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "pg/connection.hpp"
#include "store/archive_digest.hpp"
#include "store/partitions.hpp"

namespace bemi::store {

struct Archive {
  Window window;
  std::string columns;  // as COPY takes them
  std::int64_t rows = 0;
  std::int64_t bytes = 0;  // of the file
  std::filesystem::path file;
};

// The state of a file, compared with its record in _bemi.archive.
enum class Standing {
  recorded,    // byte for byte what was written
  changed,     // not that
  unrecorded,  // this history did not write it, or did before digests were kept
};
std::string_view name(Standing standing);

// Writes the window's rows, reads the file again to the last row, and notes it in _bemi.archive.
// \pre the window is closed: nobody writes into it. Error of kind disk_full leaves nothing behind.
base::Result<Archive> write_archive(pg::Connection& destination, const std::string& schema,
                                    const Window& window, const std::filesystem::path& directory);

// The file's header, without reading its rows. Error of kind usage when it is no
// archive.
base::Result<Archive> describe_archive(const std::filesystem::path& file);

// Reads the whole file. Error of kind permission unless the role is the history's owner, who alone
// has the key.
base::Result<Standing> standing_of(pg::Connection& destination, const Archive& archive);

struct OddFile {
  std::filesystem::path file;
  base::Error why;
};
struct Archives {
  std::vector<Archive> archives;  // the oldest first
  std::vector<OddFile> odd;       // named as archives are, and none
};
// The archives of a directory. Files of other names are left out.
base::Result<Archives> list_archives(const std::filesystem::path& directory);

// Copies the rows into `table` (quoted, with the columns of `changes`) and counts them. `key`: for
// the digest of what was read, which is returned.
base::Result<ArchiveDigest> load_archive(pg::Connection& destination,
                                         const std::filesystem::path& file,
                                         const std::string& table, std::string_view key = {});

// The window is part of `changes` again, and is kept until drop_restored(). One transaction.
// Errors of kind conflict: a window with rows of that time is there, or the file is not what was
// written. One that is unrecorded only with `takes_unrecorded`; kind usage.
base::Result<Archive> restore_archive(pg::Connection& destination,
                                      const std::filesystem::path& file, bool takes_unrecorded);
base::Status drop_restored(pg::Connection& destination, const std::string& window);

}  // namespace bemi::store
