// SPDX-License-Identifier: LGPL-3.0-or-later
// Any bytes, parsed as a message: an error or a value, never a crash.
#include "decode/pgoutput.hpp"

#include <cstddef>
#include <cstdint>

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (bool in_stream : {false, true}) {
    [[maybe_unused]] auto ignored = decode::parse(bytes, in_stream);
  }
  return 0;
}
