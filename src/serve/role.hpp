// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Role: what somebody may: a viewer looks, an operator undoes, an admin changes settings. In this
// order.
#pragma once

#include <optional>
#include <string_view>

namespace bemi::serve {

enum class Role : char { viewer, operator_, admin };

constexpr std::string_view name(Role role) {
  switch (role) {
    case Role::viewer: return "viewer";
    case Role::operator_: return "operator";
    case Role::admin: return "admin";
  }
  return "";
}

constexpr std::optional<Role> read_role(std::string_view text) {
  for (Role role : {Role::viewer, Role::operator_, Role::admin}) {
    if (name(role) == text) return role;
  }
  return std::nullopt;
}

}  // namespace bemi::serve
