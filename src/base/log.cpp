// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/log.hpp"

#include <unistd.h>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "base/json.hpp"
#include "base/printable.hpp"

namespace bemi::base::log {
namespace {

// %J: the message as a JSON string; spdlog's own %v would let a quote break the line.
class JsonMessage : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    std::string quoted;
    append_json_string(quoted, {message.payload.data(), message.payload.size()});
    quoted = printable(quoted);
    out.append(quoted.data(), quoted.data() + quoted.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

std::shared_ptr<spdlog::logger> make_logger() {
  auto logger = std::make_shared<spdlog::logger>(
      "bemi", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%H:%M:%S.%e %^%-7l%$ %v");
  logger->set_level(spdlog::level::info);
  logger->flush_on(spdlog::level::debug);
  return logger;
}

std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance = make_logger();
  return instance;
}

bool& is_json() {
  static bool chosen = false;
  return chosen;
}

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug: return spdlog::level::debug;
    case Level::info: return spdlog::level::info;
    case Level::warning: return spdlog::level::warn;
    case Level::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

}  // namespace

void configure(Format format, Level level) {
  logger()->set_level(spdlog_level(level));
  is_json() = format == Format::json;
  if (format == Format::text) return;
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<JsonMessage>('J').set_pattern(
      R"({"time":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":%J})");
  logger()->set_formatter(std::move(formatter));
}

void write(Level level, std::string_view message) {
  // One line a message, whatever is in the names that it tells.
  if (is_json())
    logger()->log(spdlog_level(level), "{}", message);
  else
    logger()->log(spdlog_level(level), "{}", printable(message));
}

}  // namespace bemi::base::log
