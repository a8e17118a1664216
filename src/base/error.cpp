// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/error.hpp"

namespace bemi::base {

std::string_view name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::usage: return "usage";
    case ErrorKind::connection: return "connection";
    case ErrorKind::authentication: return "authentication";
    case ErrorKind::permission: return "permission";
    case ErrorKind::unsupported: return "unsupported";
    case ErrorKind::malformed_message: return "malformed_message";
    case ErrorKind::gap: return "gap";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::lock_timeout: return "lock_timeout";
    case ErrorKind::serialization: return "serialization";
    case ErrorKind::rejected: return "rejected";
    case ErrorKind::disk_full: return "disk_full";
    case ErrorKind::limit: return "limit";
    case ErrorKind::interrupted: return "interrupted";
    case ErrorKind::internal: return "internal";
  }
  return "unknown";
}

Error Error::within(std::string_view what) const {
  Error wrapped = *this;
  wrapped.message = std::string(what) + ": " + message;
  return wrapped;
}

}  // namespace bemi::base
