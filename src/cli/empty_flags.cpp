// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/empty_flags.hpp"

#include <algorithm>
#include <string_view>

namespace bemi::cli {
namespace {

// An empty one says as much as none.
constexpr std::string_view notes[] = {"--reason", "--comment"};

bool is_flag(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

}  // namespace

base::Status refuse_empty_flags(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size() && words[i] != "--"; ++i) {
    std::string_view word = words[i];
    if (!is_flag(word)) continue;
    std::string_view name = word.substr(0, word.find('='));
    bool is_empty = name.size() == word.size() ? i + 1 < words.size() && words[i + 1].empty()
                                               : name.size() + 1 == word.size();
    if (!is_empty || std::ranges::find(notes, name) != std::end(notes)) continue;
    return base::fail(base::ErrorKind::usage, std::string(name) + " is empty",
                      "give it a value, or leave it out");
  }
  return {};
}

}  // namespace bemi::cli
