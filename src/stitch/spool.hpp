// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Spool: one transaction's records in order, in memory while there is room and beyond that in an
// unlinked temporary file, so that a transaction of any size passes through bounded memory.
// Append everything, then read everything once.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "base/result.hpp"
#include "change/lsn.hpp"

namespace bemi::stitch {

// The memory that all spools share, and where they go beyond it.
class SpoolBudget {
 public:
  explicit SpoolBudget(std::string directory,
                       std::size_t bytes_max = base::limits::spool_memory_bytes_max)
      : directory_(std::move(directory)), bytes_max_(bytes_max) {}
  [[nodiscard]] const std::string& directory() const { return directory_; }

 private:
  friend class Spool;
  std::string directory_;
  std::size_t bytes_max_;
  std::size_t bytes_used_ = 0;
};

struct Record {
  change::Lsn position;
  std::uint32_t xid = 0;     // the (sub)transaction, 0 outside of streamed blocks
  std::uint32_t number = 0;  // the appender's own
  std::string_view bytes;    // valid until the next call
};

class Spool {
 public:
  explicit Spool(SpoolBudget& budget) : budget_(&budget) {}
  ~Spool();
  Spool(Spool&& other) noexcept;
  Spool& operator=(Spool&& other) = delete;

  // Errors: disk_full, internal (the temporary file).
  base::Status append(const Record& record);
  base::Result<std::optional<Record>> next();
  [[nodiscard]] bool spilled() const { return file_ >= 0; }

 private:
  base::Status spill();
  base::Status refill(std::size_t wanted);

  SpoolBudget* budget_;
  std::string memory_;       // the newest records; before reading ends, what the file lacks
  std::size_t counted_ = 0;  // of memory_, in the budget
  int file_ = -1;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t file_read_ = 0;
  std::string window_;  // what of the file is being read
  std::size_t window_at_ = 0;
  std::size_t memory_at_ = 0;
  bool reading_memory_ = false;
};

}  // namespace bemi::stitch
