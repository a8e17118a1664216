// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Result<T>: a value or an Error. All layer boundaries return it; exceptions of libraries are
// caught where they enter.
//
//   Result<int> parse(std::string_view text);
//   Result<int> twice(std::string_view text) {
//     TRY_ASSIGN(int value, parse(text));
//     return 2 * value;
//   }
#pragma once

#include <expected>
#include <utility>

#include "base/error.hpp"

namespace bemi::base {

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message, std::string hint = {}) {
  return std::unexpected(
      Error{.kind = kind, .message = std::move(message), .hint = std::move(hint)});
}

}  // namespace bemi::base

#define BEMI_JOIN_INNER(a, b) a##b
#define BEMI_JOIN(a, b) BEMI_JOIN_INNER(a, b)

// Leaves the function with the error of `expression`, if it has one.
#define TRY(expression)                                                     \
  do {                                                                      \
    auto&& try_result = (expression);                                       \
    if (!try_result) return std::unexpected(std::move(try_result).error()); \
  } while (false)

// The same, and otherwise puts the value into `target` (a declaration or a variable).
#define TRY_ASSIGN(target, expression) \
  TRY_ASSIGN_AS(BEMI_JOIN(try_result_, __LINE__), target, expression)
#define TRY_ASSIGN_AS(temporary, target, expression)                    \
  auto temporary = (expression);                                        \
  if (!temporary) return std::unexpected(std::move(temporary).error()); \
  target = std::move(*temporary)
