// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/problem.hpp"

#include <nlohmann/json.hpp>

namespace bemi::serve {
namespace {

std::string_view title_of(int status) {
  switch (status) {
    case 400: return "Bad request";
    case 401: return "Not signed in";
    case 403: return "Not allowed";
    case 404: return "Not found";
    case 405: return "Method not allowed";
    case 409: return "Conflict";
    case 413: return "Too large";
    case 415: return "Unsupported media type";
    case 421: return "Misdirected request";
    case 429: return "Too many requests";
    case 503: return "Unavailable";
    case 504: return "Took too long";
    default: return "Internal error";
  }
}

int status_of_sqlstate(std::string_view sqlstate) {
  if (sqlstate == "57014") return 504;                         // statement_timeout
  if (sqlstate == "42P01" || sqlstate == "P0002") return 404;  // no history of the table; no data
  if (sqlstate == "55000" || sqlstate == "21000") return 409;  // the past is not, or not yet, known
  if (sqlstate == "42P08" || sqlstate == "42602") return 400;  // several sources; a table's name
  return sqlstate.starts_with("22") ? 400 : 0;                 // a value that is none of its type
}

int status_of(const base::Error& error) {
  if (int status = status_of_sqlstate(error.sqlstate); status != 0) return status;
  switch (error.kind) {
    case base::ErrorKind::usage: return 400;
    case base::ErrorKind::permission: return 403;
    case base::ErrorKind::gap:
    case base::ErrorKind::conflict:
    case base::ErrorKind::lock_timeout:
    case base::ErrorKind::unsupported:
    case base::ErrorKind::rejected: return 409;
    case base::ErrorKind::limit: return 413;
    case base::ErrorKind::connection:
    case base::ErrorKind::authentication:
    case base::ErrorKind::disk_full:
    case base::ErrorKind::interrupted:
    case base::ErrorKind::serialization: return 503;
    case base::ErrorKind::malformed_message:
    case base::ErrorKind::internal: return 500;
  }
  return 500;
}

}  // namespace

Response problem(int status, std::string_view detail, std::string_view hint) {
  nlohmann::ordered_json document{
      {"type", "about:blank"}, {"title", title_of(status)}, {"status", status}, {"detail", detail}};
  if (!hint.empty()) document["hint"] = hint;
  Response response{.status = status, .content_type = "application/problem+json"};
  // The server's message may be cut within a character.
  response.body = document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return response;
}

Response problem(const base::Error& error) {
  int status = status_of(error);
  if (error.sqlstate == "57014") {
    return problem(status, "the answer took too long to find",
                   "narrow it: by table, by context, or by a shorter time");
  }
  return problem(status, error.message, error.hint);
}

}  // namespace bemi::serve
