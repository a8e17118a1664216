// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/server_error.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <string_view>

namespace bemi::pg {
namespace {

std::string field(const PGresult* result, int code) {
  const char* text = PQresultErrorField(result, code);
  return text == nullptr ? "" : text;
}

// The last word of "slot "s", output plugin "pgoutput", in the change callback, associated LSN
// 0/1C1CAC8", in whatever language. Nothing else of the context goes further: it can quote values.
std::string position_in(std::string_view context) {
  if (context.find("pgoutput") == std::string_view::npos) return "";
  std::size_t begin = context.find_last_not_of("0123456789ABCDEF/");
  std::string_view word = context.substr(begin + 1);
  return word.find('/') == std::string_view::npos ? "" : std::string(word);
}

}  // namespace

base::ErrorKind kind_of(std::string_view sqlstate) {
  using base::ErrorKind;
  if (sqlstate.empty()) return ErrorKind::connection;
  if (sqlstate == "42501") return ErrorKind::permission;
  if (sqlstate == "55P03") return ErrorKind::lock_timeout;
  if (sqlstate == "53100" || sqlstate == "58030") return ErrorKind::disk_full;
  // The slot is still held by the walsender of a worker that is gone, or by one that is not.
  if (sqlstate == "55006") return ErrorKind::serialization;
  if (sqlstate == "0A000") return ErrorKind::unsupported;
  std::string_view group = sqlstate.substr(0, 2);
  if (group == "08" || group == "53" || sqlstate.starts_with("57P")) return ErrorKind::connection;
  if (group == "28") return ErrorKind::authentication;
  if (group == "40") return ErrorKind::serialization;
  if (group == "22" || group == "23" || group == "54") return ErrorKind::rejected;
  return ErrorKind::internal;
}

base::Error server_error(const PGresult* result) {
  std::string sqlstate = field(result, PG_DIAG_SQLSTATE);
  std::string message = field(result, PG_DIAG_MESSAGE_PRIMARY);
  if (message.empty()) message = PQresultErrorMessage(result);
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return {.kind = kind_of(sqlstate),
          .message = message,
          .hint = field(result, PG_DIAG_MESSAGE_HINT),
          .sqlstate = sqlstate,
          .lsn = position_in(field(result, PG_DIAG_CONTEXT)),
          .detail = field(result, PG_DIAG_MESSAGE_DETAIL)};
}

namespace {

bool is_sqlstate(std::string_view word) {
  return word.size() == 5 && std::ranges::all_of(word, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

// "... FATAL:  28P01: password ..." without the code; the code, or nothing.
std::string take_sqlstate(std::string& line) {
  for (std::size_t at = line.find(":  "); at != std::string::npos; at = line.find(":  ", at + 1)) {
    std::string word = line.substr(at + 3, 5);
    if (!is_sqlstate(word) || line.compare(at + 8, 2, ": ") != 0) continue;
    line.erase(at + 3, 7);
    return word;
  }
  return {};
}

}  // namespace

Refusal refusal_in(std::string_view verbose) {
  Refusal refusal;
  while (!verbose.empty()) {
    std::size_t end = std::min(verbose.find('\n'), verbose.size());
    std::string line(verbose.substr(0, end));
    verbose.remove_prefix(std::min(end + 1, verbose.size()));
    // The place in the server's sources, in any language: "LOCATION:  auth_failed, auth.c:324".
    bool is_location = line.find(".c:") != std::string::npos && !line.contains('"');
    if (line.empty() || is_location) continue;
    std::string sqlstate = take_sqlstate(line);
    if (!sqlstate.empty()) refusal.sqlstate = std::move(sqlstate);
    if (!refusal.message.empty()) refusal.message += '\n';
    refusal.message += line;
  }
  return refusal;
}

base::Error refusal_error(const Refusal& refusal, bool replication) {
  using base::ErrorKind;
  const std::string& code = refusal.sqlstate;
  ErrorKind kind = kind_of(code);
  std::string hint = "check host and port, and that the server is up and listens there";
  if (kind == ErrorKind::authentication) {
    hint = "check user and password in the URL, PGPASSWORD or ~/.pgpass, and pg_hba.conf";
  } else if (code == "3D000") {
    kind = ErrorKind::usage;
    hint = "check the database's name in the URL";
  } else if (kind == ErrorKind::permission) {
    hint = replication ? "an administrator runs: ALTER ROLE <worker> REPLICATION"
                       : "an administrator runs: GRANT CONNECT ON DATABASE <database> TO <role>";
  } else {
    if (!code.empty()) hint = "the server answers; see its message";
    kind = ErrorKind::connection;
  }
  return {.kind = kind, .message = refusal.message, .hint = hint, .sqlstate = code};
}

}  // namespace bemi::pg
