// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ContextVerifier: judges the signatures of context messages. Any role that may log in can write
// such a message; who has no key can neither make one nor use one again:
//
//   - the mac is right, of a key that is known and was valid at the time of signing;
//   - the message is for this database, and for this transaction if it names one;
//   - it was signed near to the time at which it was written: after the last commit before its
//     place in the WAL, and before its own, give or take five minutes;
//   - its number is higher than all that its session has used.
//
// judge() as a message arrives, settle() as its transaction commits. A transaction's messages of
// one session stand and fall together. No clock: all times are the source's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "change/change.hpp"
#include "change/context_key.hpp"
#include "change/context_use.hpp"
#include "decode/message.hpp"
#include "stitch/signed_context.hpp"

namespace bemi::stitch {

// What a message carries until its transaction commits: how it will be known whether it is true.
using SignatureMark = std::uint8_t;
inline constexpr SignatureMark unsigned_mark = 0;
inline constexpr SignatureMark false_mark = 1;
// From here on: the number of one of the transaction's claims.
inline constexpr SignatureMark first_claim_mark = 2;

// What one transaction's messages claim.
struct SignatureClaims {
  struct Claim {
    change::ContextSession use;  // `number`: the last one
    std::int64_t first_number = 0;
    base::Timestamp first_signed_at;
    base::Timestamp last_signed_at;
    std::int64_t messages = 0;
    bool holds = true;
  };
  std::vector<Claim> claims;
  std::vector<change::ContextFault> faults;  // one for each kind and key

  void add_fault(change::SignatureFault fault, const std::string& key_id, std::int64_t messages = 1,
                 decode::WireXid other = 0);
  // nullopt: not signed. Of a transaction that was settled.
  [[nodiscard]] std::optional<bool> verdict(SignatureMark mark) const;
};

class ContextVerifier {
 public:
  // Without keys nothing is judged: all messages count as not signed.
  ContextVerifier() = default;
  ContextVerifier(const std::vector<change::ContextKey>& keys, std::string database);
  // The sessions on record, in any order. Such as were not used since `forgotten_until` may be
  // lacking among them.
  void remember(const std::vector<change::ContextSession>& used, base::Timestamp forgotten_until);

  SignatureMark judge(const ReservedMember& said, change::Lsn position, decode::WireXid xid,
                      SignatureClaims& claims);
  void settle(SignatureClaims& claims, decode::WireXid xid, base::Timestamp committed_at);
  // Every transaction that commits, in order, after it was settled.
  void note_commit(change::Lsn end, base::Timestamp committed_at);

  [[nodiscard]] std::size_t remembered_sessions() const { return sessions_.size(); }

 private:
  using Fault = change::SignatureFault;
  struct Commit {
    change::Lsn end;
    base::Timestamp time;
  };
  struct Used {
    std::int64_t number = 0;
    base::Timestamp signed_at;
    decode::WireXid xid = 0;  // of the transaction that used it last; 0: not known any more
  };
  using SessionName = std::pair<std::string, std::string>;  // key and session

  [[nodiscard]] std::optional<Fault> fault_of(const Signature& signature, change::Lsn position,
                                              decode::WireXid xid) const;
  [[nodiscard]] std::optional<base::Timestamp> written_after(change::Lsn position) const;
  void settle(SignatureClaims::Claim& claim, SignatureClaims& claims, decode::WireXid xid,
              base::Timestamp committed_at);
  void forget_oldest();

  std::unordered_map<std::string, std::vector<change::ContextKey>> keys_;
  std::string database_;
  std::map<SessionName, Used> sessions_;
  base::Timestamp forgotten_until_;
  std::deque<Commit> commits_;
};

}  // namespace bemi::stitch
