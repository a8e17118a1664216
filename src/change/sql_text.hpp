// SPDX-License-Identifier: LGPL-3.0-or-later
//
// SQL without the values in it: what somebody wrote into a statement must not be kept where columns
// are redacted, and a password never.
#pragma once

#include <string>
#include <string_view>

namespace bemi::change {

// Each literal (numbers, '...', E'...', $$...$$) as a question mark, comments left out. Where the
// text can be read in two ways, as a backslash before a quote can, or where it ends within a
// literal, the rest is cut off: names may get lost, values do not stay.
std::string without_literals(std::string_view sql);

// The same for what follows the word PASSWORD, and for literals that themselves hold that word;
// all else stays as it is.
std::string without_passwords(std::string_view sql);

bool speaks_of_password(std::string_view text);

}  // namespace bemi::change
