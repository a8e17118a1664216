// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/window_duty.hpp"

namespace bemi::store {
namespace {

using Kind = MaintenanceStep::Kind;

// The window in which later questions begin; the number of states if there is none.
std::size_t newest_closed(const std::vector<WindowState>& states) {
  for (std::size_t i = states.size(); i > 0; --i) {
    if (states[i - 1].closed && !states[i - 1].restored) return i - 1;
  }
  return states.size();
}

}  // namespace

std::vector<Duty> duties(const std::vector<WindowState>& states, bool archives) {
  std::vector<Duty> all;
  std::size_t newest = newest_closed(states);
  for (std::size_t i = 0; i < states.size(); ++i) {
    const WindowState& state = states[i];
    if (state.restored) continue;
    if (state.closed && !state.sealed && !state.due) all.push_back({Kind::seal, i});
    if (state.closed && !state.listed && !state.due) all.push_back({Kind::list, i});
    if (i == newest && !state.due) all.push_back({Kind::checkpoint, i});
    if (state.closed && !state.archived && archives) all.push_back({Kind::archive, i});
    if (state.due) {
      all.push_back({state.closed ? Kind::drop : Kind::keep, i});
    } else if (state.closed && state.thins) {
      all.push_back({Kind::thin, i});
    }
  }
  // Last, as it takes long and needs room: neither may keep back what makes some.
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (states[i].closed && !states[i].restored && !states[i].due) all.push_back({Kind::pack, i});
  }
  return all;
}

}  // namespace bemi::store
