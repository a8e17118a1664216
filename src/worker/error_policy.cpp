// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/error_policy.hpp"

namespace bemi::worker {

Reaction reaction_to(const base::Error& error) {
  using base::ErrorKind;
  switch (error.kind) {
    case ErrorKind::connection:
    case ErrorKind::serialization:
    case ErrorKind::lock_timeout:
    case ErrorKind::disk_full: return Reaction::retry;
    case ErrorKind::rejected: return Reaction::careful;
    case ErrorKind::usage:
    case ErrorKind::authentication:
    case ErrorKind::permission:
    case ErrorKind::unsupported:
    case ErrorKind::malformed_message:
    case ErrorKind::gap:
    case ErrorKind::conflict:
    case ErrorKind::limit:
    case ErrorKind::interrupted:
    case ErrorKind::internal: return Reaction::stop;
  }
  return Reaction::stop;
}

}  // namespace bemi::worker
