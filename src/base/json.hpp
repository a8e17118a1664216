// SPDX-License-Identifier: LGPL-3.0-or-later
//
// JSON text as PostgreSQL's jsonb takes it: writing strings, and judging a text before it is sent.
// No library judges by jsonb's own rules (no zero character, no lone surrogate, numbers within
// numeric's range and kept digit by digit), and one refused row would stop a whole batch.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"

namespace bemi::base {

// Appends `text` (valid UTF-8) as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

// The top-level object's member of one name, as the positions to cut it out by.
struct JsonMember {
  std::size_t begin = 0;  // first byte of the member, its separating comma included
  std::size_t end = 0;    // one past the last
  std::string_view value;
};

struct JsonScan {
  bool valid = false;                // the text is one JSON value
  bool object = false;               // the text is one JSON object
  bool fits_jsonb = false;           // ... and jsonb takes it
  bool as_jsonb_prints = false;      // ... and gives this very text back
  std::optional<JsonMember> member;  // the last member of the name that was asked for
};

// Scans a whole text. `member_name` is compared with the raw key, escapes not undone.
JsonScan scan_json_object(std::string_view text, std::string_view member_name);

// The members of a valid JSON object by their raw keys, quotes included; both views into the text.
using JsonMembers = std::unordered_map<std::string_view, std::string_view>;
JsonMembers json_members(std::string_view valid_object);

// Whether jsonb takes this text of a valid `json` value: only its escapes and its numbers can
// differ.
bool json_fits_jsonb(std::string_view valid_json);

// The bytes of the character that begins at `at` (< size()); 0: none does.
std::size_t utf8_length(std::string_view text, std::size_t at);
bool valid_utf8(std::string_view text);
bool is_ascii(std::string_view text);

// Limits for scanning a text that a stranger wrote.
struct JsonBounds {
  std::size_t bytes_max = 0;
  int depth_max = 0;
};
// To be asked before any library parses it: valid, within the bounds, and nothing in it that jsonb
// refuses. Errors: limit, malformed_message; the reason is the message. Needs no memory.
Status check_json(std::string_view text, const JsonBounds& bounds);

}  // namespace bemi::base
