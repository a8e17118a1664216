// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SourceControl: managing sources for the dashboard and for `bemi source`: checks and prepares both
// ends, keeps the registry, and starts and ends workers where it has a supervisor.
#pragma once

#include <memory>

#include "base/interrupt.hpp"
#include "host/config.hpp"
#include "serve/control.hpp"
#include "setup/setup.hpp"
#include "supervise/registry.hpp"
#include "supervise/supervisor.hpp"

namespace bemi::host {

class SourceControl : public serve::Control {
 public:
  // `config`: where the history is. `stop` outlives it.
  SourceControl(Config config, const secret::Box& box, const base::Interrupt& stop);

  // From then on, this program runs the workers.
  void supervise();
  supervise::Registry& registry() { return registry_; }

  base::Result<std::string> list() override;
  base::Result<std::string> check(const serve::NewSource& source) override;
  base::Result<std::string> add(const serve::NewSource& source) override;
  base::Result<bool> set_paused(const std::string& name, bool is_paused) override;
  base::Result<bool> remove(const std::string& name, bool keep_slot) override;

  // The configuration that `bemi run` would get.
  [[nodiscard]] Config config_of(const serve::NewSource& source) const;
  [[nodiscard]] Config config_of(const supervise::Source& source) const;

 private:
  base::Result<std::vector<setup::Finding>> check_destination(const Config& config,
                                                              const serve::NewSource& wanted,
                                                              setup::Settings& settings,
                                                              pg::Connection& source);
  base::Status prepare(const Config& config, bool is_destination_there);
  base::Status settle_destination(const Config& config, const serve::NewSource& wanted,
                                  supervise::Source& source);
  base::Status agree_on_retention(pg::Connection& destination, const supervise::Source& wanted);
  base::Status take_down(const Config& config);

  Config config_;
  supervise::Registry registry_;
  const base::Interrupt* stop_;
  std::unique_ptr<supervise::Supervisor> supervisor_;
};

// The key of the environment. Error of kind usage: there is none.
base::Result<secret::Box> box_of_environment();
bool has_secret_key();

}  // namespace bemi::host
