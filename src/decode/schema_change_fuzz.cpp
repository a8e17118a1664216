// SPDX-License-Identifier: LGPL-3.0-or-later
// Any message as a schema change: anyone may emit one. What is taken can be stored.
#include "decode/schema_change.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/json.hpp"

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto change = decode::parse_schema_change({reinterpret_cast<const char*>(data), size});
  if (change && !base::scan_json_object(decode::schema_change_json(*change), {}).object) {
    std::abort();
  }
  return 0;
}
