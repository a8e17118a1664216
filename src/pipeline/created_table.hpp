// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The message with prefix `_bemi_table` that the event trigger puts into the transaction of a
// CREATE TABLE: {"oid": ..., "schema": ..., "table": ...}.
#pragma once

#include <optional>
#include <string_view>

#include "change/change.hpp"

namespace pipeline {

// nullopt when it is not ours after all: anyone may write a message.
std::optional<change::Covered> parse_created_table(std::string_view content);

}  // namespace pipeline
