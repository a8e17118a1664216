// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/printable.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "base/utf8.hpp"

namespace bemi::base {
namespace {

struct Span {
  std::uint32_t first;
  std::uint32_t last;
};

constexpr std::array<Span, 9> hidden_points{{
    {0x0000, 0x001F},  // C0
    {0x007F, 0x009F},  // DEL, C1: a terminal may take U+009B for ESC [
    {0x061C, 0x061C},  // Arabic letter mark
    {0x200E, 0x200F},  // left-to-right and right-to-left marks
    {0x2028, 0x202E},  // separators of lines, and embeddings and overrides of direction
    {0x2066, 0x2069},  // isolates
    {0xD800, 0xDFFF},  // halves of surrogates are no text
    {0xFEFF, 0xFEFF},  // byte order mark
    {0xFFF9, 0xFFFB},  // annotations
}};

}  // namespace

Character character_at(std::string_view text, std::size_t at) {
  auto lead = static_cast<unsigned char>(text[at]);
  if (lead >= 0x20 && lead < 0x7F) return {.bytes = 1, .point = lead, .is_hidden = false};
  Utf8Character found = utf8_at(text, at);
  if (found.bytes == 0) return {.bytes = 1, .point = lead, .is_hidden = true};
  bool is_hidden = std::ranges::any_of(hidden_points, [&](const Span& span) {
    return found.point >= span.first && found.point <= span.last;
  });
  return {.bytes = found.bytes, .point = found.point, .is_hidden = is_hidden};
}

void append_escaped(std::string& out, std::uint32_t point) {
  switch (point) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: fmt::format_to(std::back_inserter(out), "\\u{:04x}", point);
  }
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    Character character = character_at(text, at);
    if (character.is_hidden)
      append_escaped(out, character.point);
    else
      out += text.substr(at, character.bytes);
    at += character.bytes;
  }
  return out;
}

std::string printable_lines(std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string out;
  while (true) {
    std::size_t end = text.find('\n');
    std::string line(text.substr(0, end));
    std::ranges::replace(line, '\t', ' ');
    out += printable(line);
    if (end == std::string_view::npos) return out;
    out += "\n  ";
    text.remove_prefix(end + 1);
  }
}

}  // namespace bemi::base
