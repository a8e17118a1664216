// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Addresses of databases that somebody else names: what of them is taken, and what goes there.
#pragma once

#include <string>

#include "base/result.hpp"

namespace bemi::pg {

// An address that somebody gave to this server, who is not who runs it: only what says where to and
// as whom, and nothing of our own goes there, no password, no certificate, no file. Error of kind
// usage: it wants more than that, or a socket where `may_be_socket` is not.
base::Result<std::string> foreign_url(const std::string& url, bool may_be_socket);
// Whether the address, completed by the environment, is a Unix socket's.
bool is_socket(const std::string& url);

// No file has this name: what is looked for there is not found.
inline constexpr const char* no_file = "/dev/null/none";

}  // namespace bemi::pg
