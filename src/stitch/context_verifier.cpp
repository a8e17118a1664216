// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/context_verifier.hpp"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "base/base64.hpp"
#include "stitch/limits.hpp"

namespace bemi::stitch {
namespace {

constexpr std::string_view purpose("bemi/context/1\0", 15);

base::Timestamp operator-(base::Timestamp time, std::int64_t us) { return {time.unix_us - us}; }
base::Timestamp operator+(base::Timestamp time, std::int64_t us) { return {time.unix_us + us}; }

bool has_right_mac(const Signature& signature, const change::SigningKey& key) {
  std::string expected = base::base64(change::hmac_sha256(key, purpose, signature.signed_bytes));
  return expected.size() == signature.mac.size() &&
         sodium_memcmp(expected.data(), signature.mac.data(), expected.size()) == 0;
}

}  // namespace

void SignatureClaims::add_fault(change::SignatureFault fault, const std::string& key_id,
                                std::int64_t messages, decode::WireXid other) {
  auto same = std::ranges::find_if(
      faults, [&](const auto& one) { return one.fault == fault && one.key_id == key_id; });
  if (same == faults.end()) same = faults.insert(faults.end(), {.fault = fault, .key_id = key_id});
  same->messages += messages;
  if (other != 0) same->other_transaction = other;
}

std::optional<bool> SignatureClaims::verdict(SignatureMark mark) const {
  if (mark == unsigned_mark) return std::nullopt;
  if (mark == false_mark) return false;
  return claims.at(mark - first_claim_mark).holds;
}

ContextVerifier::ContextVerifier(const std::vector<change::ContextKey>& keys, std::string database)
    : database_(std::move(database)) {
  for (const change::ContextKey& key : keys) keys_[key.id].push_back(key);
}

void ContextVerifier::remember(const std::vector<change::ContextSession>& used,
                               base::Timestamp forgotten_until) {
  forgotten_until_ = forgotten_until;
  for (const change::ContextSession& one : used) {
    sessions_[{one.key_id, one.session}] = {.number = one.number, .signed_at = one.signed_at};
  }
}

// The time of the last commit that is known to stand before it in the WAL.
std::optional<base::Timestamp> ContextVerifier::written_after(change::Lsn position) const {
  auto after = std::ranges::upper_bound(commits_, position, {}, &Commit::end);
  if (after == commits_.begin()) return std::nullopt;
  return std::prev(after)->time;
}

std::optional<change::SignatureFault> ContextVerifier::fault_of(const Signature& signature,
                                                                change::Lsn position,
                                                                decode::WireXid xid) const {
  auto keys = keys_.find(signature.key_id);
  if (keys == keys_.end()) return Fault::unknown_key;
  // One id may have several secrets, such as before and after it leaked.
  auto is_right = [&](const change::ContextKey& key) { return has_right_mac(signature, key.key); };
  auto key = std::ranges::find_if(keys->second, is_right);
  if (key == keys->second.end()) return Fault::wrong_mac;
  if (!key->is_valid_at(signature.signed_at)) return Fault::expired_key;
  if (signature.database != database_) return Fault::other_database;
  // The stream has 32 bits of it.
  auto id = signature.transaction_id;
  if (id && static_cast<decode::WireXid>(*id) != xid) return Fault::other_transaction;
  auto after = written_after(position);
  if (after && signature.signed_at < *after - limits::signing_tolerance_us)
    return Fault::wrong_time;
  return std::nullopt;
}

SignatureMark ContextVerifier::judge(const ReservedMember& said, change::Lsn position,
                                     decode::WireXid xid, SignatureClaims& claims) {
  if (keys_.empty() || !said.claims_signature) return unsigned_mark;
  if (!said.signature) return claims.add_fault(Fault::malformed, {}), false_mark;
  const Signature& signature = *said.signature;
  if (auto fault = fault_of(signature, position, xid)) {
    // Anybody can make up ids.
    bool is_known = keys_.contains(signature.key_id);
    return claims.add_fault(*fault, is_known ? signature.key_id : ""), false_mark;
  }
  auto is_same = [&](const SignatureClaims::Claim& claim) {
    return claim.use.session == signature.session && claim.use.key_id == signature.key_id;
  };
  auto claim = std::ranges::find_if(claims.claims, is_same);
  if (claim == claims.claims.end()) {
    if (claims.claims.size() >= limits::sessions_per_transaction_max)
      return claims.add_fault(Fault::replayed, signature.key_id), false_mark;
    claim = claims.claims.insert(claim, {.use = {.key_id = signature.key_id,
                                                 .session = signature.session,
                                                 .number = signature.number,
                                                 .signed_at = signature.signed_at},
                                         .first_number = signature.number,
                                         .first_signed_at = signature.signed_at,
                                         .last_signed_at = signature.signed_at});
  } else if (signature.number <= claim->use.number) {
    return claims.add_fault(Fault::replayed, signature.key_id, 1, xid), false_mark;
  }
  claim->use.number = signature.number;
  claim->first_signed_at = std::min(claim->first_signed_at, signature.signed_at);
  claim->last_signed_at = std::max(claim->last_signed_at, signature.signed_at);
  claim->use.signed_at = claim->last_signed_at;
  ++claim->messages;
  return static_cast<SignatureMark>(first_claim_mark + (claim - claims.claims.begin()));
}

void ContextVerifier::settle(SignatureClaims::Claim& claim, SignatureClaims& claims,
                             decode::WireXid xid, base::Timestamp committed_at) {
  auto fails = [&](Fault fault, decode::WireXid other = 0) {
    claim.holds = false;
    claims.add_fault(fault, claim.use.key_id, claim.messages, other);
  };
  if (claim.last_signed_at > committed_at + limits::signing_tolerance_us ||
      claim.first_signed_at < committed_at - limits::signature_age_max_us)
    return fails(Fault::wrong_time);
  SessionName name{claim.use.key_id, claim.use.session};
  auto known = sessions_.find(name);
  // Of a session that may have been forgotten, nobody can tell.
  if (known == sessions_.end() && claim.first_signed_at < forgotten_until_)
    return fails(Fault::wrong_time);
  if (known != sessions_.end() && claim.first_number <= known->second.number) {
    bool is_last = known->second.number <= claim.use.number;
    return fails(Fault::replayed, is_last ? known->second.xid : 0);
  }
  sessions_[name] = {.number = claim.use.number, .signed_at = claim.use.signed_at, .xid = xid};
}

void ContextVerifier::settle(SignatureClaims& claims, decode::WireXid xid,
                             base::Timestamp committed_at) {
  for (SignatureClaims::Claim& claim : claims.claims) settle(claim, claims, xid, committed_at);
  if (sessions_.size() > limits::sessions_max) forget_oldest();
}

// The older half, so that it happens seldom.
void ContextVerifier::forget_oldest() {
  std::vector<base::Timestamp> times;
  times.reserve(sessions_.size());
  for (const auto& [name, used] : sessions_) times.push_back(used.signed_at);
  auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::ranges::nth_element(times, middle);
  forgotten_until_ = std::max(forgotten_until_, *middle + 1);
  std::erase_if(sessions_,
                [&](const auto& one) { return one.second.signed_at < forgotten_until_; });
}

void ContextVerifier::note_commit(change::Lsn end, base::Timestamp committed_at) {
  if (keys_.empty()) return;
  // The source's clock may step back.
  bool is_soon = !commits_.empty() &&
                 committed_at < commits_.back().time + limits::commit_interval_us &&
                 committed_at > commits_.back().time - limits::commit_interval_us;
  if (is_soon) return;
  commits_.push_back({end, committed_at});
  if (commits_.size() > limits::commits_max) commits_.pop_front();
}

}  // namespace bemi::stitch
