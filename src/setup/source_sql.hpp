// SPDX-License-Identifier: LGPL-3.0-or-later
#pragma once

#include <string_view>

namespace bemi::setup {

// The SQL of contracts/source/ in the order of its file names, compiled in.
std::string_view source_sql();

}  // namespace bemi::setup
