// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SourceUndo: undoing for the dashboard, on the source and with the role of this program's
// configuration. One at a time: two would only wait for each other's locks.
#pragma once

#include <functional>
#include <mutex>

#include "base/interrupt.hpp"
#include "host/config.hpp"
#include "serve/undo.hpp"

namespace bemi::host {

class SourceUndo : public serve::Undo {
 public:
  SourceUndo(Config config, const base::Interrupt& stop)
      : config_(std::move(config)), stop_(&stop) {}

  base::Result<revert::Plan> plan(const revert::Request& request) override;
  base::Result<revert::Outcome> apply(const revert::Request& request,
                                      const std::string& digest) override;
  base::Result<revert::Mark> create_mark(const revert::NewMark& wanted) override;
  base::Result<revert::Outcome> roll_back(const std::string& mark, bool force,
                                          const std::string& actor) override;
  base::Result<revert::Outcome> roll_forward(const std::string& mark,
                                             const std::string& actor) override;
  base::Status delete_mark(const std::string& mark, bool force) override;

 private:
  template <class T>
  base::Result<T> with_ends(const std::function<base::Result<T>(const revert::Ends&)>& act);

  Config config_;
  const base::Interrupt* stop_;
  std::mutex mutex_;
};

}  // namespace bemi::host
