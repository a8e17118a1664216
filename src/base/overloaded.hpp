// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Overloaded: the cases of a std::visit, one lambda each.
#pragma once

namespace bemi::base {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

}  // namespace bemi::base
