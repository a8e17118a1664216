// SPDX-License-Identifier: LGPL-3.0-or-later
//
// CommitOrder one pgoutput message into a value. Pure: no I/O, no clock. Any byte sequence is
// acceptable input: what is not a well-formed message is an Error of kind malformed_message, never
// a crash (fuzzed: pgoutput_fuzz.cpp). Protocol versions 1 to 4, text format.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "decode/message.hpp"

namespace bemi::decode {

// `in_stream`: between StreamStart and StreamStop, where most messages carry a transaction id.
[[nodiscard]] base::Result<Message> parse(std::string_view bytes, bool in_stream);

}  // namespace bemi::decode
