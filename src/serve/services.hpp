// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What handlers work with.
#pragma once

#include <string>

namespace serve {

class Access;
class Destination;
class LiveFeed;
class Metrics;
class Probe;
class Undo;

struct Services {
  Destination* destination;
  Access* access;
  LiveFeed* live;
  Metrics* metrics;
  Probe* probe;  // null: nothing is known of sources but what the history says
  Undo* undo;    // null: nothing can be changed from here
  std::string cookie_name;
  std::string version;
};

}  // namespace serve
