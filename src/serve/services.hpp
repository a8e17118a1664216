// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The services that handlers use.
#pragma once

#include <stop_token>
#include <string>

namespace bemi::query {
class Destination;
}
namespace bemi::deliver {
class LiveFeed;
class Reachable;
class Webhooks;
}  // namespace bemi::deliver

namespace bemi::serve {

class Access;
class ActionLog;
class Control;
class Hosts;
class LiveRows;
class Metrics;
class Probe;
class Undo;
class Users;
class Views;

struct Services {
  const Hosts* hosts;
  query::Destination* destination;
  Access* access;
  Users* users;
  ActionLog* actions;
  deliver::Webhooks* webhooks;
  Views* views;
  const deliver::Reachable* reachable;  // where webhooks may go
  deliver::LiveFeed* live;
  Metrics* metrics;
  Probe* probe;                  // null: nothing is known of sources but what the history says
  Control* control;              // null: no sources are managed from here
  LiveRows* live_rows;           // null: only stored data answers for the past
  Undo* undo;                    // null: nothing can be changed from here
  bool may_use_sockets = false;  // a source that is named here may be on this machine's sockets
  std::string cookie_name;
  std::string version;
  std::stop_token stopping;  // what waits for somebody elsewhere gives up
};

}  // namespace bemi::serve
