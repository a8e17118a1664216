// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Report: tells the program that started this worker how it does, as lines of JSON on a descriptor
// that was given for it: {"state": "streaming"}, {"state": "retrying", "error": "...", "hint": ""}.
// The log is for people; this is for programs.
#pragma once

#include <string_view>

#include "base/error.hpp"

namespace bemi::worker {

class Report {
 public:
  // -1: nobody wants to know.
  explicit Report(int descriptor) : descriptor_(descriptor) {}

  void streaming() const;
  void retrying(const base::Error& error) const;
  void ended(const base::Error& error) const;

 private:
  void send(std::string_view state, const base::Error* error) const;

  int descriptor_;
};

}  // namespace bemi::worker
