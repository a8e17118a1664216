// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ContextText: a context as it is stored. The statement in it (its member SQL) keeps no password,
// and no literals where the configuration redacts columns.
#pragma once

#include <string>
#include <string_view>

namespace bemi::render {

class ContextText {
 public:
  explicit ContextText(bool redacts) : redacts_(redacts) {}

  // `context`: a valid JSON object. The view is valid until the next call, or is `context` itself.
  std::string_view of(std::string_view context);

 private:
  bool redacts_;
  // The last context that was changed: consecutive changes often share one.
  std::string given_;
  std::string stored_;
};

}  // namespace bemi::render
