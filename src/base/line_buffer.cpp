// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/line_buffer.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace bemi::base {

bool LineBuffer::fill(int descriptor) {
  std::array<char, 16384> piece{};
  ssize_t size = read(descriptor, piece.data(), piece.size());
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  rest_.append(piece.data(), static_cast<std::size_t>(size));
  return true;
}

std::optional<std::string> LineBuffer::next() {
  std::size_t end = rest_.find('\n');
  if (end == std::string::npos) {
    if (rest_.size() > bytes_max_) rest_.resize(bytes_max_);
    return std::nullopt;
  }
  std::string line = rest_.substr(0, std::min(end, bytes_max_));
  rest_.erase(0, end + 1);
  return line;
}

}  // namespace bemi::base
