// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The program's log, on stderr: one line an event, for a person or (json) for a machine.
// Levels by consequence: error = the worker stops or cannot go on; warning = somebody should act;
// info = what a person wants to see of a healthy worker; debug = the rest. Never a cell value.
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

namespace bemi::base::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

void configure(Format format, Level level);
void write(Level level, std::string_view message);

template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::debug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace bemi::base::log
