// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace bemi::stitch {
namespace {

struct Header {
  std::uint64_t position;
  std::uint32_t xid;
  std::uint32_t number;
  std::uint64_t length;
};

// Past the budget a spool still gathers this much before each write.
constexpr std::size_t write_bytes = 128UL << 10;
constexpr std::size_t read_bytes = 256UL << 10;

base::Error file_error(const char* what) {
  int code = errno;
  bool full = code == ENOSPC || code == EDQUOT;
  // Others of this process, or of this machine, give them back: as with space, one waits.
  bool scarce = code == EMFILE || code == ENFILE || code == ENOMEM;
  const char* hint = "";
  if (full) hint = "free space there, or choose another place with --spool-directory";
  if (scarce) hint = "it is tried again; raise the limit of open files: ulimit -n";
  return {full || scarce ? base::ErrorKind::disk_full : base::ErrorKind::internal,
          std::string("the spool file: ") + what + ": " + std::strerror(code),
          hint,
          {}};
}

base::Result<int> open_unlinked(const std::string& directory) {
  int file = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0) return file;
  // Not every file system knows O_TMPFILE.
  std::string path = directory + "/bemi-spool-XXXXXX";
  file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) return std::unexpected(file_error("cannot create it"));
  unlink(path.c_str());
  return file;
}

}  // namespace

Spool::Spool(Spool&& other) noexcept
    : budget_(other.budget_),
      memory_(std::move(other.memory_)),
      counted_(std::exchange(other.counted_, 0)),
      file_(std::exchange(other.file_, -1)),
      file_bytes_(other.file_bytes_),
      file_read_(other.file_read_),
      window_(std::move(other.window_)),
      window_at_(other.window_at_),
      memory_at_(other.memory_at_),
      reading_memory_(other.reading_memory_) {}

Spool::~Spool() {
  budget_->bytes_used_ -= counted_;
  if (file_ >= 0) close(file_);
}

base::Status Spool::append(const Record& record) {
  Header header{record.position.value, record.xid, record.number, record.bytes.size()};
  memory_.append(reinterpret_cast<const char*>(&header), sizeof(header));
  memory_.append(record.bytes);
  std::size_t added = sizeof(header) + record.bytes.size();
  counted_ += added;
  budget_->bytes_used_ += added;
  bool over = budget_->bytes_used_ > budget_->bytes_max_;
  if (over && memory_.size() >= write_bytes) return spill();
  return {};
}

base::Status Spool::spill() {
  if (file_ < 0) {
    TRY_ASSIGN(file_, open_unlinked(budget_->directory()));
  }
  std::string_view left = memory_;
  while (!left.empty()) {
    ssize_t written = write(file_, left.data(), left.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(file_error("cannot write"));
    left.remove_prefix(static_cast<std::size_t>(written));
  }
  file_bytes_ += memory_.size();
  budget_->bytes_used_ -= std::exchange(counted_, 0);
  memory_.clear();
  if (memory_.capacity() > 2 * write_bytes) memory_.shrink_to_fit();
  return {};
}

// Makes at least `wanted` unread bytes stand in the window.
base::Status Spool::refill(std::size_t wanted) {
  window_.erase(0, window_at_);
  window_at_ = 0;
  while (window_.size() < wanted) {
    std::size_t have = window_.size();
    std::size_t take = std::max(read_bytes, wanted - have);
    take = static_cast<std::size_t>(std::min<std::uint64_t>(take, file_bytes_ - file_read_));
    if (take == 0) return base::fail(base::ErrorKind::internal, "the spool file: ends too early");
    window_.resize(have + take);
    ssize_t got = pread(file_, window_.data() + have, take, static_cast<off_t>(file_read_));
    if (got < 0 && errno == EINTR) got = 0;
    if (got < 0) return std::unexpected(file_error("cannot read"));
    window_.resize(have + static_cast<std::size_t>(got));
    file_read_ += static_cast<std::uint64_t>(got);
  }
  return {};
}

base::Result<std::optional<Record>> Spool::next() {
  bool file_done = file_read_ == file_bytes_ && window_at_ == window_.size();
  if (!reading_memory_ && file_done) {
    reading_memory_ = true;
    window_ = {};
  }
  std::string& source = reading_memory_ ? memory_ : window_;
  std::size_t& at = reading_memory_ ? memory_at_ : window_at_;
  if (reading_memory_ && at == source.size()) return std::nullopt;

  Header header{};
  if (!reading_memory_ && source.size() - at < sizeof(header)) TRY(refill(sizeof(header)));
  std::memcpy(&header, source.data() + at, sizeof(header));
  std::size_t whole = sizeof(header) + header.length;
  if (!reading_memory_ && source.size() - at < whole) TRY(refill(whole));
  std::string_view bytes(source.data() + at + sizeof(header), header.length);
  at += whole;
  return Record{{header.position}, header.xid, header.number, bytes};
}

}  // namespace bemi::stitch
