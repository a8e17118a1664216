// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Access: decides who may call. A token, as `Authorization: Bearer`, is for programs; signing in
// with it, or by name and password, gives a browser a session cookie. All are kept in `_bemi` as
// hashes only. A trusted proxy may name the user in a header. Safe for many threads.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "query/destination.hpp"
#include "serve/http.hpp"
#include "serve/known_identities.hpp"
#include "serve/lockout.hpp"
#include "serve/own_sessions.hpp"
#include "serve/role.hpp"
#include "serve/users.hpp"

namespace bemi::serve {

struct AccessSettings {
  std::string own_token;    // given from outside, then none is made or looked up
  std::string user_header;  // in lower case; names the user, from a trusted proxy; empty: none
  std::vector<std::string> trusted_proxies;  // their addresses
};

struct NewSession {
  std::string cookie_value;
  Identity identity;
};

class Access {
 public:
  Access(query::Destination& destination, Users& users, AccessSettings settings);

  // Makes the first token where there is none. What is returned is to be shown once.
  base::Result<std::optional<std::string>> make_first_token();
  // Another one, all earlier ones end.
  base::Result<std::string> make_new_token();

  // nullopt: nobody we know. `cookie_name`: a session's.
  base::Result<std::optional<Identity>> identify(const Request& request,
                                                 const std::string& cookie_name);
  // nullopt: not a token of ours.
  base::Result<std::optional<NewSession>> sign_in(const std::string& token);
  // nullopt: there is no such name, or the password is another one.
  base::Result<std::optional<NewSession>> sign_in(const std::string& name,
                                                  const std::string& password);
  base::Status sign_out(const std::string& cookie);
  // Drops the cached sessions of a changed or removed user.
  void forget(const std::string& name);
  // The same, but for one session.
  void forget_others(const std::string& name, const std::string& cookie);
  // The stored form of a session's cookie.
  static std::string session_hash(const std::string& cookie);

  // The address that asks: the one that connected, or whom a trusted proxy asks for.
  [[nodiscard]] std::string client(const Request& request) const;
  // Whether what is done must be written down in the destination: it may be written to.
  [[nodiscard]] bool keeps_records() const { return settings_.own_token.empty(); }

  [[nodiscard]] bool trusts(const std::string& address) const;
  // Whether the request has a session, whatever else it has.
  base::Result<bool> has_session(const Request& request, const std::string& cookie_name);

  // Addresses with too many recent wrong guesses. Ask it before a sign-in is checked, but not for
  // clients that have a session or a known token.
  Lockout& lockout() { return lockout_; }

 private:
  base::Result<std::optional<Identity>> of_token(const std::string& token);
  base::Result<std::optional<Identity>> of_proxy(const std::string& name);
  base::Result<std::optional<Identity>> of_session(const std::string& cookie);
  base::Result<std::optional<Identity>> find(const std::string& secret, bool is_session);
  base::Result<NewSession> begin_session(const Identity& identity);
  void remember(const std::string& hash, const Identity& identity);
  std::optional<Identity> remembered(const std::string& hash);

  query::Destination* destination_;
  Users* users_;
  AccessSettings settings_;
  std::string proxy_secret_;  // of this start: what the CSRF tokens of proxied users are made of
  std::mutex mutex_;
  KnownIdentities known_;
  OwnSessions own_sessions_;
  Lockout lockout_;
};

}  // namespace bemi::serve
