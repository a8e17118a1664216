// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SourceProbe: asks the source of this program's configuration for its slot, when the dashboard
// wants to know. At most once in two seconds, whoever asks.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "pg/connection.hpp"
#include "serve/probe.hpp"

namespace bemi::host {

class SourceProbe : public serve::Probe {
 public:
  SourceProbe(std::string url, std::string source_name, const base::Interrupt& stop)
      : url_(std::move(url)), source_name_(std::move(source_name)), stop_(&stop) {}

  base::Result<std::optional<serve::SlotStatus>> slot(const std::string& source,
                                                      const std::string& slot_name,
                                                      const std::string& position) override;

 private:
  base::Result<serve::SlotStatus> look(const std::string& slot_name, const std::string& position);

  std::string url_;
  std::string source_name_;  // empty: the database's
  const base::Interrupt* stop_;
  std::mutex mutex_;
  std::optional<pg::Connection> connection_;
  std::optional<serve::SlotStatus> last_;
  std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace bemi::host
