// SPDX-License-Identifier: LGPL-3.0-or-later
// Any line as a row of COPY: an error, or as many values as were asked for.
#include "decode/copy_row.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view line(reinterpret_cast<const char*>(data + 1), size - 1);
  std::size_t columns = data[0] % 8;
  decode::CopyRow row;
  auto tuple = row.parse(line, columns);
  if (tuple && columns > 0 && (*tuple)->size() != columns) std::abort();
  return 0;
}
