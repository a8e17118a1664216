// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A change's identity: a UUID of version 8 (RFC 9562), led by the commit's milliseconds so that
// ids of one time lie together in the index; the rest is a hash of source, epoch, commit position
// and sequence. The same change read twice has the same id.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"
#include "change/lsn.hpp"

namespace bemi::store {

struct ChangeIdentity {
  std::string_view source;
  int epoch = 1;
  change::Lsn commit_position;
  std::uint32_t sequence = 0;
};

using Uuid = std::array<unsigned char, 16>;

Uuid change_id(base::Timestamp committed_at, const ChangeIdentity& identity);

}  // namespace bemi::store
