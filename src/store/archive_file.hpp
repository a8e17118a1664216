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

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace store {

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
  static base::Result<ArchiveWriter> create(const std::filesystem::path& path);
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ArchiveWriter& operator=(ArchiveWriter&&) = delete;
  ~ArchiveWriter();

  // \pre no newline is in it.
  base::Status append(std::string_view line);
  // The file's size in bytes.
  base::Result<std::int64_t> finish();

 private:
  struct Free {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  ArchiveWriter(std::filesystem::path path, FileDescriptor file);
  base::Status compress(std::string_view bytes, bool last);
  [[nodiscard]] std::filesystem::path unfinished() const { return path_.string() + ".part"; }

  std::filesystem::path path_;
  FileDescriptor file_;
  std::unique_ptr<ZSTD_CCtx_s, Free> context_;
  std::string gathered_;
  std::vector<char> buffer_;
  std::int64_t written_ = 0;
};

class ArchiveReader {
 public:
  static base::Result<ArchiveReader> open(const std::filesystem::path& path);

  // The next line without its newline, valid until the next call; nullopt at the end. An error
  // where the file ends in the middle or is not what was written.
  base::Result<std::optional<std::string_view>> next();

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  ArchiveReader(std::filesystem::path path, FileDescriptor file);
  base::Status read_more();
  [[nodiscard]] std::unexpected<base::Error> broken(const std::string& why) const;

  std::filesystem::path path_;
  FileDescriptor file_;
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::vector<char> packed_;
  std::size_t packed_at_ = 0;
  std::size_t packed_end_ = 0;
  std::string text_;
  std::size_t text_at_ = 0;
  std::size_t looked_until_ = 0;  // there is no newline between text_at_ and this
  bool ended_ = false;            // the file
  bool frame_ended_ = false;      // what was compressed
};

}  // namespace store
