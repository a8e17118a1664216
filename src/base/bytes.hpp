// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ByteReader: checked reading of PostgreSQL's wire format (big-endian integers, zero-ended
// strings). A read past the end sets failed() and yields zeros; the caller checks once at the end.
// append_wire: writing of its integers.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bemi::base {

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <class Int>
  Int integer() {
    if (rest_.size() < sizeof(Int)) {
      fail();
      return 0;
    }
    Int value;
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the size is given
    std::memcpy(&value, rest_.data(), sizeof(Int));
    rest_.remove_prefix(sizeof(Int));
    if constexpr (sizeof(Int) > 1) value = static_cast<Int>(swap(value));
    return value;
  }

  // Up to the zero byte, which is consumed and not part of the view.
  std::string_view zero_ended() {
    std::size_t end = rest_.find('\0');
    if (end == std::string_view::npos) {
      fail();
      return {};
    }
    std::string_view text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }

  std::string_view take(std::size_t length) {
    if (rest_.size() < length) {
      fail();
      return {};
    }
    std::string_view bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return bytes;
  }

  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  template <class Int>
  static auto swap(Int value) {
    if constexpr (std::endian::native == std::endian::big) return value;
    if constexpr (sizeof(Int) == 2) return __builtin_bswap16(static_cast<std::uint16_t>(value));
    if constexpr (sizeof(Int) == 4) return __builtin_bswap32(static_cast<std::uint32_t>(value));
    if constexpr (sizeof(Int) == 8) return __builtin_bswap64(static_cast<std::uint64_t>(value));
  }
  void fail() {
    failed_ = true;
    rest_ = {};
  }

  std::string_view rest_;
  bool failed_ = false;
};

template <class Int>
void append_wire(std::string& out, Int value) {
  char bytes[sizeof(Int)];
  for (std::size_t i = 0; i < sizeof(Int); ++i) {
    bytes[i] = static_cast<char>(value >> (8 * (sizeof(Int) - 1 - i)));
  }
  out.append(bytes, sizeof(Int));
}

}  // namespace bemi::base
