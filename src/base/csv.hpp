// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Fields of CSV (RFC 4180), for people who open it in a spreadsheet.
#pragma once

#include <string>
#include <string_view>

namespace bemi::base {

// The text unchanged, in quotes if it needs them or is empty: an absent value is an empty field
// without quotes.
std::string csv_field(std::string_view text);

// The same of a text that somebody else wrote: before what a spreadsheet would run as a formula
// comes a `'`. Numbers stay numbers.
std::string csv_text(std::string_view text);

}  // namespace bemi::base
