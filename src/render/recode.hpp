// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A context message stands in the WAL in the server's encoding; the rest of the stream comes as
// UTF-8.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "pg/connection.hpp"

namespace bemi::render {

// nullopt: these are no bytes of the server's encoding.
using ToUtf8 = std::function<std::optional<std::string>(std::string_view)>;

// Asks the server, which knows its encodings best. Empty where nothing is to be converted.
ToUtf8 converter_of(pg::Connection& source);

// The message of the stream with its context as UTF-8; nullopt when it is to stay as it is.
std::optional<std::string> recoded(std::string_view payload, const ToUtf8& to_utf8);

}  // namespace bemi::render
