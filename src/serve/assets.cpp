// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/assets.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

constexpr std::string_view page = "/index.html";
constexpr std::string_view named_by_content = "/assets/";

std::string_view type_of(std::string_view path) {
  struct Type {
    std::string_view ending;
    std::string_view name;
  };
  static constexpr std::array types{
      Type{".html", "text/html; charset=utf-8"},
      Type{".js", "text/javascript; charset=utf-8"},
      Type{".css", "text/css; charset=utf-8"},
      Type{".svg", "image/svg+xml"},
      Type{".woff2", "font/woff2"},
  };
  auto found =
      std::ranges::find_if(types, [&](const Type& type) { return path.ends_with(type.ending); });
  return found == types.end() ? "application/octet-stream" : found->name;
}

// Picks the smallest of the encodings that the browser accepts.
const Asset* find(std::string_view path, std::string_view accepted) {
  const Asset* best = nullptr;
  for (const Asset& asset : assets()) {
    if (asset.path != path) continue;
    bool is_taken = asset.encoding.empty() || accepted.find(asset.encoding) != accepted.npos;
    if (is_taken && (best == nullptr || asset.content.size() < best->content.size())) {
      best = &asset;
    }
  }
  return best;
}

}  // namespace

std::optional<Response> asset_response(const Request& request) {
  std::string_view path = request.path;
  bool is_file = path.starts_with(named_by_content) || path.substr(path.rfind('/')).contains('.');
  const Asset* asset = find(is_file ? path : page, request.header("accept-encoding"));
  if (asset == nullptr && is_file) return std::nullopt;
  if (asset == nullptr) {
    return problem(404, "this bemi was built without the dashboard", "./dev build has it");
  }
  Response response{.content_type = std::string(type_of(asset->path))};
  response.embedded = asset->content;
  if (!asset->encoding.empty()) {
    response.headers.emplace_back("Content-Encoding", asset->encoding);
  }
  response.headers.emplace_back("Vary", "Accept-Encoding");
  bool is_forever = path.starts_with(named_by_content);
  response.headers.emplace_back("Cache-Control",
                                is_forever ? "public, max-age=31536000, immutable" : "no-cache");
  return response;
}

}  // namespace bemi::serve
