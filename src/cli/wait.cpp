// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/wait.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iostream>
#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/number.hpp"
#include "host/connections.hpp"
#include "host/stop.hpp"
#include "wal/source.hpp"

namespace bemi::cli {
namespace {

using namespace std::chrono_literals;

// The words of _bemi.raise_not_yet.
constexpr std::string_view not_reached = "not reached yet";

constexpr Wait wait_max = 24h;
constexpr auto pause_max = 200ms;
constexpr auto nudge_every = 1s;

constexpr std::array<std::pair<std::string_view, Wait>, 5> units{
    {{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"", 1s}}};

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

}  // namespace

std::optional<Wait> parse_wait(std::string_view text) {
  std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = base::parse_number<std::int32_t>(text.substr(0, digits));
  const auto* unit =
      std::ranges::find(units, text.substr(digits), &decltype(units)::value_type::first);
  if (!number || unit == units.end() || *number > wait_max / unit->second) return std::nullopt;
  return *number * unit->second;
}

void add_wait(CLI::App& command, Wait& wait, const std::string& about) {
  command
      .add_option_function<std::string>(
          "--wait",
          [&wait](const std::string& text) { wait = parse_wait(text).value_or(Wait::zero()); },
          about + " [default: not at all]")
      ->check([](const std::string& text) {
        return parse_wait(text) ? std::string() : "'" + text + "' is no time such as 30s or 500ms";
      })
      ->type_name("TIME");
}

base::Result<std::string> fixed_moment(pg::Connection& history, Wait wait,
                                       const std::string& moment,
                                       const std::optional<std::string>& source) {
  std::string word = moment;
  std::ranges::transform(word, word.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (wait == Wait::zero() || !word.contains("now")) return moment;
  TRY_ASSIGN(pg::Rows rows,
             history.query("select bemi.moment($1, $2, true)::text", {moment, source}));
  return rows.text(0, 0);
}

Waiting::Waiting(const host::Config& config, Wait wait) : config_(&config), wait_(wait) {}

Waiting::~Waiting() {
  if (shown_) std::cerr << "\r\x1b[K" << std::flush;
}

// A caller that may only read the history cannot do this; the worker's heartbeat then ends its
// wait.
void Waiting::nudge() {
  bool is_soon = nudged_ && Clock::now() - *nudged_ < nudge_every;
  if (is_soon || config_->source_url.empty()) return;
  nudged_ = Clock::now();
  if (!source_) {
    auto opened = host::open_source(*config_, host::Access::read_write);
    if (!opened) return;
    source_.emplace(std::move(*opened));
  }
  if (!wal::emit_fence(*source_)) source_.reset();
}

bool Waiting::again(base::Error& refused) {
  if (wait_ == Wait::zero() || !refused.detail.starts_with(not_reached)) return false;
  auto waited = Clock::now() - begun_;
  if (waited >= wait_ || host::asked_to_stop().triggered()) {
    refused.message += fmt::format("; waited {:.1f} s for it", seconds(waited));
    refused.hint = "is the worker running? see: bemi status";
    return false;
  }
  nudge();
  if (isatty(STDERR_FILENO) != 0) {
    std::cerr << fmt::format("\r\x1b[Kwaiting for the history: {:.0f} of {:.0f} s", seconds(waited),
                             seconds(wait_))
              << std::flush;
    shown_ = true;
  }
  base::pause(&host::asked_to_stop(),
              std::min<Wait>(pause_, std::chrono::ceil<Wait>(wait_ - waited)));
  pause_ = std::min<Wait>(pause_ * 2, pause_max);
  return true;
}

}  // namespace bemi::cli
