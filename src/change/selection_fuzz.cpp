// SPDX-License-Identifier: LGPL-3.0-or-later
// Any pattern: an error, or one that answers.
#include "change/selection.hpp"

#include <cstddef>
#include <cstdint>

using namespace bemi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  auto selection =
      change::Selection::parse({.include = {text}, .exclude = {}, .ignore_columns = {text}});
  if (!selection) return 0;
  [[maybe_unused]] bool tracks = selection->tracks("public", text);
  [[maybe_unused]] bool ignores = selection->ignores("public", "todo", text);
  return 0;
}
