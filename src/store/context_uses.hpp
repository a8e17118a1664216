// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ContextUses: what the signed contexts of one commit leave in the history. The numbers that they
// have used are stored with the changes, so that a worker that starts anew knows them.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "change/change.hpp"
#include "pg/connection.hpp"

namespace bemi::store {

class ContextUses {
 public:
  void take(const change::Batch& batch);
  [[nodiscard]] bool empty() const { return sessions_.empty() && faults_.empty(); }
  // \pre a transaction of the destination is open.
  base::Status write(pg::Connection& destination, const std::string& source) const;

 private:
  using Name = std::pair<std::string, std::string>;
  struct Finding {
    change::ContextFault fault;
    base::Timestamp at;
    std::uint64_t transaction_id = 0;
  };
  std::map<Name, change::ContextSession> sessions_;
  std::map<Name, Finding> faults_;
};

// What is on record when a stream begins. Sessions that were not used since `forgotten_until` may
// be lacking.
struct KnownSessions {
  std::vector<change::ContextSession> sessions;
  base::Timestamp forgotten_until;
};
base::Result<KnownSessions> load_context_sessions(pg::Connection& destination,
                                                  const std::string& source);
// Those that no message can go on with: the worker takes none that was signed a day before.
base::Status forget_context_sessions(pg::Connection& destination, const std::string& source);

}  // namespace bemi::store
