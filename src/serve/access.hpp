// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Access: who may ask. A token, as `Authorization: Bearer`, is for programs; signing in with it
// gives a browser a session cookie. Both are kept in `_bemi` as hashes only. Safe for many threads.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "serve/destination.hpp"
#include "serve/http.hpp"

namespace serve {

enum class Role : char { viewer, operator_, admin };
std::string_view name(Role role);

struct Identity {
  std::string name;
  Role role = Role::viewer;
  std::string csrf;  // of a session: what a changing request must repeat; empty for a token
};

struct NewSession {
  std::string cookie_value;
  Identity identity;
};

class Access {
 public:
  // `own_token`: given from outside, then none is made or looked up.
  Access(Destination& destination, std::string own_token);

  // Makes the first token where there is none. What is returned is to be shown once.
  base::Result<std::optional<std::string>> make_first_token();
  // Another one, all earlier ones end.
  base::Result<std::string> make_new_token();

  // nullopt: nobody we know. `cookie`: the session's, or empty.
  base::Result<std::optional<Identity>> identify(const std::string& bearer,
                                                 const std::string& cookie);
  // nullopt: not a token of ours.
  base::Result<std::optional<NewSession>> sign_in(const std::string& token);
  base::Status sign_out(const std::string& cookie);

  // Whether `peer` has failed too often of late; to be asked before a secret is looked at.
  bool is_locked_out(const std::string& peer);
  void note_failure(const std::string& peer);

 private:
  using Clock = std::chrono::steady_clock;
  struct Known {
    Identity identity;
    Clock::time_point until;
  };
  struct Failures {
    int count = 0;
    Clock::time_point since;
  };

  base::Result<std::optional<Identity>> find(const std::string& secret, bool is_session);
  std::optional<Identity> remembered(const std::string& hash);

  Destination* destination_;
  std::string own_token_;
  std::mutex mutex_;
  std::unordered_map<std::string, Known> known_;  // by hash, for a short time
  std::map<std::string, Failures> failures_;      // by peer
};

}  // namespace serve
