// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/stop.hpp"

#include <csignal>

namespace bemi::host {
namespace {

base::Interrupt& signalled() {
  static base::Interrupt interrupt;
  return interrupt;
}

void stop(int signal_number) {
  signalled().trigger();
  // A second Ctrl-C ends the program at once. SIGTERM may come from a parent and from systemd.
  if (signal_number == SIGINT) std::signal(SIGINT, SIG_DFL);
}

}  // namespace

const base::Interrupt& asked_to_stop() { return signalled(); }

void stop_on_signals() {
  signalled();
  struct sigaction action{};
  action.sa_handler = stop;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace bemi::host
