// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Keeper: what the worker does for its destination beside the stream: once an hour, partitions are
// made ahead, sealed, archived and dropped (store/maintenance.hpp). Its failures are logged and
// tried again in the next hour, never fatal.
#pragma once

#include "base/interrupt.hpp"
#include "pipeline/periodic.hpp"
#include "pipeline/settings.hpp"

namespace pipeline {

class Keeper {
 public:
  // `interrupt`: ends its waits for the server.
  Keeper(const Settings& settings, const base::Interrupt& interrupt);

 private:
  base::Status keep();

  const Settings* settings_;
  const base::Interrupt* interrupt_;
  Periodic periodic_;  // last: it uses the others
};

}  // namespace pipeline
