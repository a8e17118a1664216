// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/server_error.hpp"

#include <libpq-fe.h>

#include <string_view>

namespace pg {
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

}  // namespace pg
