// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/http.hpp"

#include <algorithm>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace bemi::serve {

std::optional<std::string> Request::parameter(std::string_view name) const {
  auto found = std::ranges::find(query, name, &Pairs::value_type::first);
  return found == query.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> Request::parameters(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query) {
    if (key == name) values.push_back(value);
  }
  return values;
}

std::string_view Request::header(std::string_view lower_case_name) const {
  auto found = std::ranges::find(headers, lower_case_name, &Pairs::value_type::first);
  return found == headers.end() ? std::string_view{} : found->second;
}

std::string_view Request::last_header(std::string_view lower_case_name) const {
  std::string_view last;
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) last = value;
  }
  return last;
}

std::size_t Request::header_lines(std::string_view lower_case_name) const {
  return static_cast<std::size_t>(
      std::ranges::count(headers, lower_case_name, &Pairs::value_type::first));
}

std::string Request::cookie(std::string_view name) const {
  std::string_view rest = header("cookie");
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(';'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    if (one.starts_with(name) && one.substr(name.size()).starts_with('=')) {
      return std::string(one.substr(name.size() + 1));
    }
  }
  return {};
}

base::Status read_target(std::string_view target, Request& request) {
  auto parsed = boost::urls::parse_origin_form(target);
  if (!parsed) return base::fail(base::ErrorKind::usage, "the address is malformed");
  boost::urls::encoding_opts plus_is_space;
  plus_is_space.space_as_plus = true;
  request.path = parsed->path();
  for (auto param : parsed->params(plus_is_space)) {
    request.query.emplace_back(std::string(param.key), std::string(param.value));
  }
  return {};
}

}  // namespace bemi::serve
