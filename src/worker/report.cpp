// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/report.hpp"

#include <unistd.h>

#include <string>

#include <nlohmann/json.hpp>

namespace bemi::worker {
namespace {

// An error may quote a value of a gigabyte, and its reader keeps a line of 64 kB.
constexpr std::size_t text_bytes_max = 4000;

std::string beginning_of(const std::string& text) {
  if (text.size() <= text_bytes_max) return text;
  std::size_t end = text_bytes_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end) + " ...";
}

}  // namespace

void Report::streaming() const { send("streaming", nullptr); }
void Report::retrying(const base::Error& error) const { send("retrying", &error); }
void Report::ended(const base::Error& error) const { send("ended", &error); }

// A reader that is gone is no reason to stop: the write fails then, and that is all.
void Report::send(std::string_view state, const base::Error* error) const {
  if (descriptor_ < 0) return;
  nlohmann::ordered_json line{{"state", state}};
  if (error != nullptr) {
    line["error"] = beginning_of(error->message);
    line["hint"] = beginning_of(error->hint);
  }
  std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  [[maybe_unused]] ssize_t written = write(descriptor_, text.data(), text.size());
}

}  // namespace bemi::worker
