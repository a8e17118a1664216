// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Which schemas are the application's: neither the server's nor Bemi's. Said here for all of C++;
// the event trigger says it once more, in contracts/source (_bemi_source.is_wanted).
#pragma once

#include <string>
#include <string_view>

namespace bemi::change {

bool is_application_schema(std::string_view schema);
// The same as an SQL condition; `name` is an expression of type name.
std::string application_schema(std::string_view name);

}  // namespace bemi::change
