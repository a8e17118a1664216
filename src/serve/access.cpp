// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/access.hpp"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <mutex>

#include <boost/asio/ip/address.hpp>

#include "base/assert.hpp"
#include "base/json.hpp"
#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

constexpr std::string_view token_prefix = "bemi_";
constexpr const char* first_token_name = "admin";

std::string hex(const unsigned char* bytes, std::size_t size) {
  std::string text(size * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes, size);
  text.pop_back();
  return text;
}

std::string new_secret() {
  std::array<unsigned char, 24> bytes{};
  randombytes_buf(bytes.data(), bytes.size());
  return hex(bytes.data(), bytes.size());
}

// A secret is 192 random bits: a fast hash is as good as a slow one here.
std::string hash_of(std::string_view secret, std::string_view purpose) {
  std::array<unsigned char, crypto_generichash_BYTES> hash{};
  std::string text = std::string(purpose) + ":" + std::string(secret);
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size(), nullptr, 0);
  return hex(hash.data(), hash.size());
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

Identity identity_of(const pg::Rows& rows, const std::string& session_secret) {
  return {.name = rows.text(0, 0),
          .role = read_role(rows.text(0, 1)).value_or(Role::viewer),
          .csrf = session_secret.empty() ? "" : hash_of(session_secret, "csrf")};
}

base::Error no_table(const base::Error& error) {
  if (error.sqlstate == "42501") {
    return {error.kind, "this role may not keep tokens and sessions in the destination",
            "give the token yourself: BEMI_HTTP_TOKEN, or grant the rights of "
            "docs/guides/dashboard.md",
            error.sqlstate};
  }
  if (error.sqlstate != "42P01") return error;
  return {base::ErrorKind::usage, "the destination was prepared by an older Bemi", "run: bemi init",
          error.sqlstate};
}

}  // namespace

Access::Access(query::Destination& destination, Users& users, AccessSettings settings)
    : destination_(&destination), users_(&users), settings_(std::move(settings)) {
  static std::once_flag once;
  std::call_once(once, [] { ASSERT(sodium_init() >= 0); });
  proxy_secret_ = new_secret();
}

base::Result<std::optional<std::string>> Access::make_first_token() {
  if (!settings_.own_token.empty()) return std::nullopt;
  std::string token = std::string(token_prefix) + new_secret();
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  // If several servers start at once, only one makes the token.
  auto made = connection.query(
      "insert into _bemi.access_token (name, role, hash) select $1, 'admin', $2 "
      "where not exists (select from _bemi.access_token) on conflict do nothing",
      {first_token_name, hash_of(token, "token")});
  if (!made) return std::unexpected(no_table(made.error()));
  if (made->affected() == 0) return std::nullopt;
  return token;
}

base::Result<std::string> Access::make_new_token() {
  std::string token = std::string(token_prefix) + new_secret();
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  auto made = connection.query(
      "with sessions as (delete from _bemi.login_session) insert into _bemi.access_token "
      "(name, role, hash) values ($1, 'admin', $2) on conflict (name) do update set "
      "hash = excluded.hash, created_at = now()",
      {first_token_name, hash_of(token, "token")});
  if (!made) return std::unexpected(no_table(made.error()));
  return token;
}

std::optional<Identity> Access::remembered(const std::string& hash) {
  std::scoped_lock lock(mutex_);
  return known_.find(hash);
}

base::Result<std::optional<Identity>> Access::find(const std::string& secret, bool is_session) {
  std::string hash = hash_of(secret, is_session ? "session" : "token");
  if (auto known = remembered(hash)) return known;
  TRY_ASSIGN(auto connection, destination_->reader());
  auto rows = connection->query(
      is_session
          ? "select name, role from _bemi.login_session where hash = $1 and expires_at > now()"
          : "select name, role from _bemi.access_token where hash = $1",
      {hash});
  if (!rows) return std::unexpected(no_table(rows.error()));
  if (rows->empty()) return std::nullopt;
  Identity identity = identity_of(*rows, is_session ? secret : "");
  remember(hash, identity);
  return identity;
}

void Access::remember(const std::string& hash, const Identity& identity) {
  std::scoped_lock lock(mutex_);
  known_.remember(hash, identity);
}

void Access::forget(const std::string& name) {
  std::scoped_lock lock(mutex_);
  known_.forget_all(name);
  own_sessions_.end_all(name);
}

void Access::forget_others(const std::string& name, const std::string& cookie) {
  std::string own = session_hash(cookie);
  std::scoped_lock lock(mutex_);
  known_.forget_all(name, own);
  own_sessions_.end_all(name, own);
}

std::string Access::session_hash(const std::string& cookie) { return hash_of(cookie, "session"); }

bool Access::trusts(const std::string& address) const {
  return std::ranges::find(settings_.trusted_proxies, address) != settings_.trusted_proxies.end();
}

// The part that the nearest proxy added, at the end of the last line: anybody can
// have sent the rest.
std::string Access::client(const Request& request) const {
  if (!trusts(request.peer)) return request.peer;
  std::string_view all = request.last_header("x-forwarded-for");
  std::string_view last = all.substr(all.rfind(',') + 1);
  while (last.starts_with(' ')) last.remove_prefix(1);
  while (last.ends_with(' ')) last.remove_suffix(1);
  boost::system::error_code failed;
  auto address = boost::asio::ip::make_address(std::string(last), failed);
  return failed ? request.peer : address.to_string();
}

base::Result<std::optional<Identity>> Access::of_token(const std::string& token) {
  if (settings_.own_token.empty()) return find(token, /*is_session=*/false);
  if (!same(token, settings_.own_token)) return std::nullopt;
  return Identity{.name = first_token_name, .role = Role::admin, .csrf = {}};
}

// Everybody whom the proxy lets in may read; the list of users gives some of them more rights.
base::Result<std::optional<Identity>> Access::of_proxy(const std::string& name) {
  std::string hash = hash_of(name, "proxy");
  if (auto known = remembered(hash)) return known;
  TRY_ASSIGN(std::optional<Role> role, users_->role_of(name));
  Identity identity{.name = name,
                    .role = role.value_or(Role::viewer),
                    .csrf = hash_of(proxy_secret_ + name, "csrf")};
  remember(hash, identity);
  return identity;
}

base::Result<std::optional<Identity>> Access::identify(const Request& request,
                                                       const std::string& cookie_name) {
  constexpr std::string_view scheme = "Bearer ";
  std::string_view authorization = request.header("authorization");
  if (authorization.starts_with(scheme) && authorization.size() > scheme.size()) {
    return of_token(std::string(authorization.substr(scheme.size())));
  }
  if (!settings_.user_header.empty() && trusts(request.peer)) {
    // A proxy that adds its line beside the client's own: nobody knows which is whose.
    if (request.header_lines(settings_.user_header) > 1) {
      return base::fail(base::ErrorKind::usage, "the header that names the user is there twice",
                        "the proxy must replace it, not add another");
    }
    std::string_view name = request.header(settings_.user_header);
    if (!name.empty() && base::valid_utf8(name)) return of_proxy(std::string(name));
  }
  return of_session(request.cookie(cookie_name));
}

base::Result<bool> Access::has_session(const Request& request, const std::string& cookie_name) {
  TRY_ASSIGN(std::optional<Identity> identity, of_session(request.cookie(cookie_name)));
  return identity.has_value();
}

base::Result<std::optional<Identity>> Access::of_session(const std::string& cookie) {
  if (cookie.empty()) return std::nullopt;
  if (settings_.own_token.empty()) return find(cookie, /*is_session=*/true);
  std::scoped_lock lock(mutex_);
  return own_sessions_.find(hash_of(cookie, "session"));
}

base::Result<std::optional<NewSession>> Access::sign_in(const std::string& token) {
  TRY_ASSIGN(std::optional<Identity> identity, of_token(token));
  if (!identity) return std::nullopt;
  return begin_session(*identity);
}

base::Result<std::optional<NewSession>> Access::sign_in(const std::string& name,
                                                        const std::string& password) {
  TRY_ASSIGN(std::optional<Role> role, users_->check(name, password));
  if (!role) return std::nullopt;
  return begin_session({.name = name, .role = *role, .csrf = {}});
}

base::Result<NewSession> Access::begin_session(const Identity& identity) {
  NewSession session{.cookie_value = new_secret(), .identity = identity};
  session.identity.csrf = hash_of(session.cookie_value, "csrf");
  std::string hash = hash_of(session.cookie_value, "session");
  if (!settings_.own_token.empty()) {
    // Nothing may be written.
    std::scoped_lock lock(mutex_);
    own_sessions_.add(hash, session.identity);
    return session;
  }
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY(connection.query(
      "with old as (delete from _bemi.login_session where expires_at < now() or hash in "
      "(select hash from _bemi.login_session where name = $2 order by expires_at desc "
      "offset $5::bigint)) insert into _bemi.login_session (hash, name, role, expires_at) "
      "values ($1, $2, $3, now() + make_interval(hours => $4::int))",
      {hash, session.identity.name, std::string(name(session.identity.role)),
       std::to_string(session_lifetime.count()), std::to_string(sessions_max - 1)}));
  return session;
}

base::Status Access::sign_out(const std::string& cookie) {
  std::string hash = hash_of(cookie, "session");
  {
    std::scoped_lock lock(mutex_);
    known_.forget(hash);
    own_sessions_.end(hash);
  }
  if (!settings_.own_token.empty()) return {};
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY(connection.query("delete from _bemi.login_session where hash = $1", {hash}));
  return {};
}

}  // namespace bemi::serve
