// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The dashboard's files, as web/ built them, compiled in.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "serve/http.hpp"

namespace bemi::serve {

struct Asset {
  std::string_view path;      // "/assets/index-B3x.js"
  std::string_view encoding;  // empty, "gzip" or "br"
  std::string_view content;
};

// Made by CMake from web/dist; empty in a build without it.
std::span<const Asset> assets();
// contracts/openapi.json
std::string_view openapi_document();

// The answer for a path outside the API: a file, or the page, which finds its
// screen by the path. nullopt: a file that is not there.
std::optional<Response> asset_response(const Request& request);

}  // namespace bemi::serve
