// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A file of lines, compressed with zstd, with a checksum of its own: `zstd -dc` reads it too.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "store/archive_digest.hpp"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace bemi::store {

struct FileDescriptor {
  int number = -1;
  explicit FileDescriptor(int opened) : number(opened) {}
  FileDescriptor(FileDescriptor&& other) noexcept : number(std::exchange(other.number, -1)) {}
  FileDescriptor& operator=(FileDescriptor&&) = delete;
  ~FileDescriptor();
};

// Writes PATH.part, which becomes PATH, durably, with finish(). Without it nothing is left.
class ArchiveWriter {
 public:
  // Its digest is with `key`.
  static base::Result<ArchiveWriter> create(const std::filesystem::path& path,
                                            std::string_view key);
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();

  // \pre no newline is in it.
  base::Status append(std::string_view line);
  struct Finished {
    std::int64_t bytes = 0;
    ArchiveDigest digest;  // of what was written
  };
  base::Result<Finished> finish();

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  ArchiveWriter(std::filesystem::path path, FileDescriptor file, std::string_view key);
  base::Status compress(std::string_view bytes, bool last);
  [[nodiscard]] std::filesystem::path unfinished() const { return path_.string() + ".part"; }

  std::filesystem::path path_;
  FileDescriptor file_;
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  std::string gathered_;
  std::vector<char> buffer_;
  std::int64_t written_ = 0;
  ArchiveHasher hasher_;
};

// Reads what anybody may have written: memory is bounded whatever the file holds.
class ArchiveReader {
 public:
  // Its digest is with `key`; empty: without one. Errors of kind usage: no file, none of its own.
  static base::Result<ArchiveReader> open(const std::filesystem::path& path,
                                          std::string_view key = {});

  // The first line, without its newline. To be called once, before anything else. Error of kind
  // malformed_message when it is longer than a header may be.
  base::Result<std::string> header();

  // More of what follows, valid until the next call; nullopt at the end. Lines go on from one block
  // to the next. An error where the file ends in the middle or is not what was written.
  base::Result<std::optional<std::string_view>> next_block();

  // The digest of the whole file. \pre the end was read.
  ArchiveDigest digest() { return hasher_.finish(); }

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  ArchiveReader(std::filesystem::path path, FileDescriptor file, std::string_view key);
  base::Status read_more();
  [[nodiscard]] std::unexpected<base::Error> broken(const std::string& why) const;

  std::filesystem::path path_;
  FileDescriptor file_;
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::vector<char> packed_;
  std::size_t packed_at_ = 0;
  std::size_t packed_end_ = 0;
  std::string text_;
  std::size_t text_at_ = 0;   // what is before it was handed out
  bool ends_a_line_ = false;  // the last byte that was handed out
  bool ended_ = false;        // the file
  bool frame_ended_ = false;  // what was compressed
  ArchiveHasher hasher_;
};

// The digest of a file's bytes, whatever they are.
base::Result<ArchiveDigest> digest_of(const std::filesystem::path& path, std::string_view key);

}  // namespace bemi::store
