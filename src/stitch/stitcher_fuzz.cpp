// SPDX-License-Identifier: LGPL-3.0-or-later
// Any messages one after another: an error or transactions, never a crash.
// A message is a byte of length and that many bytes.
#include "stitch/stitcher.hpp"

#include <cstddef>
#include <cstdint>

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  stitch::SpoolBudget budget("/tmp", /*bytes_max=*/4096);
  stitch::Stitcher stitcher(budget);
  std::uint64_t position = 1;
  while (!bytes.empty()) {
    auto length = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    auto done = stitcher.feed({position++}, bytes.substr(0, length));
    bytes.remove_prefix(std::min<std::size_t>(length, bytes.size()));
    if (!done) return 0;
    while (*done) {
      auto stitched = (*done)->next();
      if (!stitched || !*stitched) break;
    }
  }
  return 0;
}
