// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/archive_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <cstring>

namespace bemi::store {
namespace {

constexpr int compression_level = 9;  // written once, kept for years
constexpr std::size_t gathered_bytes_target = 1UL << 18;
constexpr std::size_t header_bytes_max = 1UL << 16;
// 8 MB: twice what compression_level needs. A file may ask for gigabytes.
constexpr int window_log_max = 23;

std::unexpected<base::Error> failed(const char* what, const std::filesystem::path& path) {
  bool full = errno == ENOSPC || errno == EDQUOT;
  return base::fail(
      full ? base::ErrorKind::disk_full : base::ErrorKind::usage,
      std::string("cannot ") + what + " " + path.string() + ": " + std::strerror(errno));
}

base::Status write_all(int file, const char* bytes, std::size_t count,
                       const std::filesystem::path& path) {
  while (count > 0) {
    ssize_t wrote = ::write(file, bytes, count);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", path);
    bytes += wrote;
    count -= static_cast<std::size_t>(wrote);
  }
  return {};
}

// Opens regular files only: a pipe of that name would block for ever.
base::Result<FileDescriptor> open_file(const std::filesystem::path& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number < 0) return failed("open", path);
  struct stat found{};
  if (::fstat(file.number, &found) != 0) return failed("look at", path);
  if (S_ISREG(found.st_mode)) return file;
  return base::fail(base::ErrorKind::usage, path.string() + " is not a file");
}

// A rename is durable when its folder is.
base::Status sync_folder(const std::filesystem::path& path) {
  std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  FileDescriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number < 0 || ::fsync(opened.number) != 0) return failed("sync", folder);
  return {};
}

}  // namespace

FileDescriptor::~FileDescriptor() {
  if (number >= 0) ::close(number);
}

// ---- Writing ----

void ArchiveWriter::Free::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

base::Result<ArchiveWriter> ArchiveWriter::create(const std::filesystem::path& path,
                                                  std::string_view key) {
  std::filesystem::path part = path.string() + ".part";
  // Never writes into the rest of a killed run, or through a link that somebody put there.
  ::unlink(part.c_str());
  FileDescriptor file(
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
  if (file.number < 0) return failed("create", part);
  return ArchiveWriter(path, std::move(file), key);
}

ArchiveWriter::ArchiveWriter(std::filesystem::path path, FileDescriptor file, std::string_view key)
    : path_(std::move(path)),
      file_(std::move(file)),
      context_(ZSTD_createCCtx()),
      buffer_(ZSTD_CStreamOutSize()),
      hasher_(key) {
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, compression_level);
  ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
}

ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;

ArchiveWriter::~ArchiveWriter() {
  if (file_.number >= 0) ::unlink(unfinished().c_str());
}

base::Status ArchiveWriter::append(std::string_view line) {
  gathered_ += line;
  gathered_ += '\n';
  if (gathered_.size() < gathered_bytes_target) return {};
  TRY(compress(gathered_, /*last=*/false));
  gathered_.clear();
  return {};
}

base::Status ArchiveWriter::compress(std::string_view bytes, bool last) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  while (true) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    std::size_t left =
        ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) {
      return base::fail(base::ErrorKind::internal,
                        std::string("cannot compress: ") + ZSTD_getErrorName(left));
    }
    TRY(write_all(file_.number, buffer_.data(), out.pos, unfinished()));
    hasher_.add({buffer_.data(), out.pos});
    written_ += static_cast<std::int64_t>(out.pos);
    if (last ? left == 0 : in.pos == in.size) return {};
  }
}

base::Result<ArchiveWriter::Finished> ArchiveWriter::finish() {
  TRY(compress(gathered_, /*last=*/true));
  if (::fsync(file_.number) != 0) return failed("sync", unfinished());
  if (::rename(unfinished().c_str(), path_.c_str()) != 0) return failed("make", path_);
  FileDescriptor closed(std::move(file_));
  TRY(sync_folder(path_));
  return Finished{.bytes = written_, .digest = hasher_.finish()};
}

// ---- Reading ----

void ArchiveReader::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

base::Result<ArchiveReader> ArchiveReader::open(const std::filesystem::path& path,
                                                std::string_view key) {
  TRY_ASSIGN(FileDescriptor file, open_file(path));
  return ArchiveReader(path, std::move(file), key);
}

ArchiveReader::ArchiveReader(std::filesystem::path path, FileDescriptor file, std::string_view key)
    : path_(std::move(path)),
      file_(std::move(file)),
      context_(ZSTD_createDCtx()),
      packed_(ZSTD_DStreamInSize()),
      hasher_(key) {
  ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, window_log_max);
}

std::unexpected<base::Error> ArchiveReader::broken(const std::string& why) const {
  return base::fail(base::ErrorKind::malformed_message, path_.string() + " is damaged: " + why,
                    "take another copy of the file");
}

base::Result<std::string> ArchiveReader::header() {
  while (true) {
    std::size_t end = text_.find('\n');
    if (end != std::string::npos && end <= header_bytes_max) {
      text_at_ = end + 1;
      ends_a_line_ = true;
      return text_.substr(0, end);
    }
    if (text_.size() > header_bytes_max) return broken("its first line is too long");
    if (ended_) return broken("it ends too early");
    TRY(read_more());
  }
}

base::Result<std::optional<std::string_view>> ArchiveReader::next_block() {
  while (text_at_ == text_.size()) {
    if (ended_) {
      if (!frame_ended_ || !ends_a_line_) return broken("it ends too early");
      return std::nullopt;
    }
    text_.clear();
    text_at_ = 0;
    TRY(read_more());
  }
  std::string_view block = std::string_view(text_).substr(text_at_);
  text_at_ = text_.size();
  ends_a_line_ = block.back() == '\n';
  return block;
}

base::Status ArchiveReader::read_more() {
  if (packed_at_ == packed_end_) {
    ssize_t got = ::read(file_.number, packed_.data(), packed_.size());
    if (got < 0 && errno == EINTR) return {};
    if (got < 0) return failed("read", path_);
    packed_at_ = 0;
    packed_end_ = static_cast<std::size_t>(got);
    hasher_.add({packed_.data(), packed_end_});
    ended_ = got == 0;
    if (ended_) return {};
  }
  ZSTD_inBuffer in{packed_.data(), packed_end_, packed_at_};
  std::size_t before = text_.size();
  text_.resize(before + ZSTD_DStreamOutSize());
  ZSTD_outBuffer out{text_.data() + before, text_.size() - before, 0};
  std::size_t left = ZSTD_decompressStream(context_.get(), &out, &in);
  text_.resize(before + out.pos);
  packed_at_ = in.pos;
  if (ZSTD_isError(left) != 0) return broken(ZSTD_getErrorName(left));
  frame_ended_ = left == 0;
  return {};
}

base::Result<ArchiveDigest> digest_of(const std::filesystem::path& path, std::string_view key) {
  TRY_ASSIGN(FileDescriptor file, open_file(path));
  ArchiveHasher hasher(key);
  std::vector<char> buffer(gathered_bytes_target);
  while (true) {
    ssize_t got = ::read(file.number, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return hasher.finish();
    hasher.add({buffer.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace bemi::store
