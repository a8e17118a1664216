// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Runs an action that changes data or settings, and records it in the log of actions first.
#pragma once

#include <string>

#include "serve/access.hpp"
#include "serve/action_log.hpp"
#include "serve/router.hpp"

namespace bemi::serve {

// `details`: a JSON object without secrets, or empty. `act` gives a base::Result.
template <class Act>
auto recorded(const Call& call, const std::string& action, const std::string& target,
              const std::string& details, Act act) -> decltype(act()) {
  TRY_ASSIGN(std::int64_t id,
             call.services->actions->begin({.actor = call.identity->name,
                                            .role = std::string(name(call.identity->role)),
                                            .peer = call.services->access->client(*call.request),
                                            .action = action,
                                            .target = target,
                                            .details = details}));
  auto done = act();
  call.services->actions->end(id, done ? "done" : done.error().message);
  return done;
}

}  // namespace bemi::serve
