// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Changes as lines of a file: CSV (RFC 4180) and JSON lines.
#pragma once

#include <string>

namespace bemi::serve {

std::string csv_header();
// `change`: an object as query::Feed makes it.
std::string csv_line(const std::string& change);
// A json value keeps the newlines that it came with; outside of strings they mean nothing.
std::string one_line(std::string json);

}  // namespace bemi::serve
