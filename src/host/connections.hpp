// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Connections to the two ends, as commands want them: Ctrl-C ends what they wait for, here and in
// the server.
#pragma once

#include <string>

#include "host/config.hpp"
#include "pg/connection.hpp"

namespace bemi::host {

enum class Access { read_only, read_write };

base::Result<pg::Connection> open_source(const Config& config, Access access);
// With the administrator's role when one is given.
base::Result<pg::Connection> open_source_as_admin(const Config& config);
base::Result<pg::Connection> open_destination(const Config& config, Access access);
// The destination's owner: the administrator when source and destination share a URL.
base::Result<pg::Connection> open_destination_as_maintainer(const Config& config);
base::Result<pg::Connection> open_destination_as_admin(const Config& config);

// "shop at db.example:5432"
std::string place_of(const pg::Connection& connection);
// On stderr, before something is done that cannot simply be taken back: where it will be done.
void announce(const std::string& command, const pg::Connection& place);

}  // namespace bemi::host
