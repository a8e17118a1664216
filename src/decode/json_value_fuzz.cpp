// SPDX-License-Identifier: LGPL-3.0-or-later
// Any text as a value of any form: what comes out is always JSON.
#include "decode/json_value.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/json.hpp"

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using change::JsonForm;
  using change::Type;
  if (size == 0) return 0;
  std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  // The server sends UTF-8 only, and it has validated numbers and json.
  if (!base::valid_utf8(text)) return 0;
  auto form = static_cast<JsonForm>(data[0] % 12);
  if (form == JsonForm::number) return 0;
  auto element =
      std::make_shared<const Type>(Type{.oid = 1, .name = "text", .element = {}, .attributes = {}});
  Type type{.oid = 2,
            .name = "x",
            .form = form,
            .element = element,
            .attributes = {{"a", element}, {"b", element}}};
  std::string json = "{\"v\":";
  decode::append_json_value(json, type, text);
  json += "}";
  if (!base::scan_json_object(json, {}).object) std::abort();
  return 0;
}
