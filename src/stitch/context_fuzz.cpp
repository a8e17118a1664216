// SPDX-License-Identifier: LGPL-3.0-or-later
// Any message as a context: what is taken is a JSON object that jsonb takes.
#include "stitch/context.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/json.hpp"

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto context = stitch::read_context({reinterpret_cast<const char*>(data), size});
  if (!context) return 0;
  base::JsonScan scan = base::scan_json_object(context->text, {});
  if (!scan.object || !scan.fits_jsonb) std::abort();
  return 0;
}
