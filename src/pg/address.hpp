// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A connection's address, part by part. Pure: connects to nothing and reads no environment.
#pragma once

#include <map>
#include <string>

#include "base/result.hpp"

namespace bemi::pg {

// Keyed by libpq's keywords: "host", "dbname", ...; keywords that the address leaves out are
// absent.
using Address = std::map<std::string, std::string>;

// Anything libpq takes: a URL, keywords, a service. Error of kind usage, without the address.
base::Result<Address> parse_address(const std::string& url);

// Whether a password, or what stands for one, is among its parts.
bool has_secret(const Address& address);

// The form `keyword=value ...`, which libpq can read again.
std::string as_keywords(const Address& address);
// The same without what is secret.
std::string shown(Address address);

}  // namespace bemi::pg
