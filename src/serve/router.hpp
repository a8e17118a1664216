// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Which handler answers a request, and whether it may: routes, sign-in, roles, CSRF. No sockets.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "serve/access.hpp"
#include "serve/http.hpp"
#include "serve/services.hpp"

namespace bemi::serve {

struct Route;

struct Call {
  const Services* services;
  const Request* request;
  const Identity* identity;  // null for open routes
  std::string_view tail;     // what a pattern's final {...} stands for
  const Route* route;
};

using Handler = base::Result<Response> (*)(const Call& call);

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/changes/{id}": only the last part may vary
  Handler handler;
  Role role = Role::viewer;
  bool is_open = false;                        // needs no sign-in
  std::vector<std::string_view> parameters{};  // any other is an error, so that no typo goes unseen
  bool shows_data = false;                     // who reads it is on record
};

std::span<const Route> routes();

struct Answer {
  Response response;
  std::string_view route;  // for counting
};
// May wait for the database. Errors have become problem documents.
Answer answer(const Services& services, const Request& request);

Response json(std::string body);

}  // namespace bemi::serve
