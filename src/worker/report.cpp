// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/report.hpp"

#include <unistd.h>

#include <string>

#include <nlohmann/json.hpp>

namespace bemi::worker {

void Report::streaming() const { send("streaming", nullptr); }
void Report::retrying(const base::Error& error) const { send("retrying", &error); }
void Report::ended(const base::Error& error) const { send("ended", &error); }

// A reader that is gone is no reason to stop: the write fails then, and that is all.
void Report::send(std::string_view state, const base::Error* error) const {
  if (descriptor_ < 0) return;
  nlohmann::ordered_json line{{"state", state}};
  if (error != nullptr) {
    line["error"] = error->message;
    line["hint"] = error->hint;
  }
  std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  [[maybe_unused]] ssize_t written = write(descriptor_, text.data(), text.size());
}

}  // namespace bemi::worker
