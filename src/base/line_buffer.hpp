// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Lines as they come on a descriptor; of a long one the beginning.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace bemi::base {

class LineBuffer {
 public:
  // `bytes_max`: of a line, beyond which it is cut.
  explicit LineBuffer(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Reads once, and waits for it. False at the end, and when it cannot be read.
  bool fill(int descriptor);
  // Without its end; nullopt when none is whole.
  std::optional<std::string> next();

 private:
  std::size_t bytes_max_;
  std::string rest_;
};

}  // namespace bemi::base
