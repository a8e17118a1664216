// SPDX-License-Identifier: LGPL-3.0-or-later
//
// --wait: for a moment that the history has not reached. What refuses it is asked again until it
// answers, refuses for another reason, or the time is over. Meanwhile the source, where it can be
// reached, is given something to tell: an idle one would never come to the moment.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/config.hpp"
#include "pg/connection.hpp"

namespace CLI {
class App;
}

namespace bemi::cli {

using Wait = std::chrono::milliseconds;  // 0: not at all

// "30s", "500ms", "2m", "1h", or seconds. nullopt: none of it, or more than a day.
std::optional<Wait> parse_wait(std::string_view text);

// The flag --wait.
void add_wait(CLI::App& command, Wait& wait, const std::string& about);

// 'now' said with --wait is the moment of the call: asked again, it would be a later one each time.
base::Result<std::string> fixed_moment(pg::Connection& history, Wait wait,
                                       const std::string& moment,
                                       const std::optional<std::string>& source);

// One refused attempt after the other.
class Waiting {
 public:
  Waiting(const host::Config& config, Wait wait);
  ~Waiting();  // clears the line of the terminal
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  // Whether to ask again, after a pause. `refused` is told then that it was waited for in vain.
  bool again(base::Error& refused);

 private:
  void nudge();

  using Clock = std::chrono::steady_clock;
  const host::Config* config_;
  Wait wait_;
  Clock::time_point begun_ = Clock::now();
  std::optional<Clock::time_point> nudged_;
  std::optional<pg::Connection> source_;
  std::chrono::milliseconds pause_{10};
  bool shown_ = false;
};

// `ask()` gives a base::Result.
template <class Ask>
auto ask_waiting(const host::Config& config, Wait wait, const Ask& ask) -> decltype(ask()) {
  Waiting waiting(config, wait);
  while (true) {
    auto answer = ask();
    if (answer || !waiting.again(answer.error())) return answer;
  }
}

}  // namespace bemi::cli
