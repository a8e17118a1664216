// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/api/body.hpp"

#include <algorithm>

namespace serve {

using nlohmann::ordered_json;

base::Error wrong(const std::string& what) {
  return {base::ErrorKind::usage, what, "see /api/openapi.json", {}};
}

base::Status only_fields(const ordered_json& object, std::span<const std::string_view> known) {
  if (!object.is_object()) return std::unexpected(wrong("what is wanted is a JSON object"));
  for (const auto& [name, value] : object.items()) {
    if (std::ranges::find(known, name) == known.end()) {
      return std::unexpected(wrong("there is no field " + name));
    }
  }
  return {};
}

base::Result<ordered_json> body_of(const Request& request,
                                   std::span<const std::string_view> known) {
  auto body = ordered_json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return std::unexpected(wrong("the body is no JSON object"));
  TRY(only_fields(body, known));
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

}  // namespace serve
