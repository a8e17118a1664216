// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/api/body.hpp"

#include <algorithm>

#include "serve/contract.hpp"
#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

// The cost of handling the text, as far as its brackets and colons tell; up to the first
// mistake they are the same for a parser.
struct Shape {
  std::size_t depth = 0;
  std::size_t members = 0;  // looked for one after another, as each is added
};

Shape shape_of(std::string_view text) {
  Shape shape;
  std::size_t open = 0;
  bool is_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"') is_string = !is_string;
    if (is_string) {
      if (c == '\\') ++i;
      continue;
    }
    if (c == '{' || c == '[') shape.depth = std::max(shape.depth, ++open);
    if ((c == '}' || c == ']') && open > 0) --open;
    if (c == ':') ++shape.members;
  }
  return shape;
}

}  // namespace

using nlohmann::ordered_json;

base::Error wrong(const std::string& what) {
  return {base::ErrorKind::usage, what, "see /api/openapi.json", {}};
}

base::Result<ordered_json> read_json(std::string_view text) {
  Shape shape = shape_of(text);
  if (text.size() > body_bytes_max || shape.members > json_members_max) {
    return std::unexpected(wrong("the JSON is too large"));
  }
  if (shape.depth > json_depth_max) return std::unexpected(wrong("the JSON is nested too deeply"));
  auto read = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (read.is_discarded()) return std::unexpected(wrong("send JSON"));
  return read;
}

base::Status only_fields(const ordered_json& object, std::span<const std::string_view> known) {
  if (!object.is_object()) return std::unexpected(wrong("send a JSON object"));
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      return std::unexpected(wrong("there is no field " + name));
    }
  }
  return {};
}

base::Result<ordered_json> body_of(const Call& call, std::span<const std::string_view> known) {
  TRY_ASSIGN(ordered_json body, read_json(call.request->body));
  if (!body.is_object()) return std::unexpected(wrong("the body is no JSON object"));
  TRY(only_fields(body, known));
  TRY(check_body({call.route->method, call.route->pattern}, body));
  return body;
}

base::Result<std::string> text_of(const ordered_json& body, const char* name) {
  auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::string();
  if (!found->is_string()) return std::unexpected(wrong(std::string(name) + " is a text"));
  auto text = found->get<std::string>();
  // PostgreSQL takes none, and would take what is before it for the whole.
  if (text.contains('\0')) return std::unexpected(wrong(std::string(name) + " has a NUL in it"));
  return text;
}

base::Result<bool> truth_of(const ordered_json& body, const char* name, bool otherwise) {
  auto found = body.find(name);
  if (found == body.end()) return otherwise;
  if (!found->is_boolean()) {
    return std::unexpected(wrong(std::string(name) + " is true or false"));
  }
  return found->get<bool>();
}

}  // namespace bemi::serve
