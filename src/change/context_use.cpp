// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/context_use.hpp"

namespace bemi::change {

std::string_view name(SignatureFault fault) {
  switch (fault) {
    case SignatureFault::malformed: return "malformed";
    case SignatureFault::unknown_key: return "unknown key";
    case SignatureFault::wrong_mac: return "wrong mac";
    case SignatureFault::expired_key: return "expired key";
    case SignatureFault::other_database: return "other database";
    case SignatureFault::other_transaction: return "other transaction";
    case SignatureFault::wrong_time: return "wrong time";
    case SignatureFault::replayed: return "replayed";
  }
  return "";
}

}  // namespace bemi::change
