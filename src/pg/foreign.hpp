// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Addresses of databases that a client of this server names: which parts are used, and what is sent
// there.
#pragma once

#include <string>

#include "base/result.hpp"

namespace bemi::pg {

// An address from a person who does not run this server. It may only name the place and the role,
// and nothing of our own is sent there: no password, no certificate, no file. Error of kind usage
// if it asks for more, or for a socket unless `may_be_socket`.
base::Result<std::string> foreign_url(const std::string& url, bool may_be_socket);
// Whether the address, completed by the environment, is a Unix socket's.
bool is_socket(const std::string& url);

// No file has this name.
inline constexpr const char* no_file = "/dev/null/none";

}  // namespace bemi::pg
