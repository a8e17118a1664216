// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/empty_words.hpp"

#include <algorithm>
#include <string_view>

namespace bemi::cli {
namespace {

// An empty one says as much as none.
constexpr std::string_view notes[] = {"--reason", "--comment"};

bool is_flag(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

bool is_note(std::string_view flag) { return std::ranges::find(notes, flag) != std::end(notes); }

// "--flag" of "--flag="; empty if `word` is anything else.
std::string_view flag_without_value(std::string_view word) {
  std::string_view name = word.substr(0, word.find('='));
  return is_flag(word) && name.size() + 1 == word.size() ? name : std::string_view();
}

}  // namespace

base::Status refuse_empty_words(const std::vector<std::string>& words) {
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string_view flag = flag_without_value(words[i]);
    if (words[i].empty() && is_flag(words[i - 1])) flag = words[i - 1];
    bool is_empty = words[i].empty() || !flag.empty();
    if (!is_empty || is_note(flag)) continue;
    std::string what = flag.empty() || flag == "--" ? "an argument" : std::string(flag);
    return base::fail(base::ErrorKind::usage, what + " is empty",
                      "give it a value, or leave it out");
  }
  return {};
}

}  // namespace bemi::cli
