// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/json.hpp"
#include "query/as_of.hpp"
#include "query/destination.hpp"
#include "query/diff.hpp"
#include "query/overview.hpp"
#include "query/past.hpp"
#include "query/stored_key.hpp"
#include "serve/api/handlers.hpp"
#include "serve/limits.hpp"
#include "serve/live_rows.hpp"
#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

enum class Form : char { text, time, json };
struct Column {
  const char* name;
  int number;
  Form form = Form::json;  // of the text as it is: numbers too
};

// "2026-11-23 17:09:14.123456+00" as RFC 3339 has it.
std::string rfc3339(std::string_view time) {
  std::string text(time);
  if (std::size_t space = text.find(' '); space != std::string::npos) text[space] = 'T';
  if (text.ends_with("+00")) text += ":00";
  return text;
}

std::string object(const pg::Rows& rows, int row, std::initializer_list<Column> columns) {
  std::string text;
  for (const Column& column : columns) {
    text += text.empty() ? "{" : ", ";
    base::append_json_string(text, column.name);
    text += ": ";
    auto value = rows.get(row, column.number);
    if (!value) {
      text += "null";
    } else if (column.form == Form::json) {
      text += *value;
    } else {
      base::append_json_string(text, column.form == Form::time ? rfc3339(*value) : *value);
    }
  }
  return text + "}";
}

std::string objects(const pg::Rows& rows, int count, std::initializer_list<Column> columns) {
  std::string text = "[";
  for (int row = 0; row < count; ++row) {
    text += (row == 0 ? "" : ", ") + object(rows, row, columns);
  }
  return text + "]";
}

query::PastOptions options_of(const Request& request) {
  return {.source = given(request, "source"),
          .partial = flag_of(request, "partial"),
          .allow_stale = flag_of(request, "allow_stale"),
          .after = {},
          .limit = {},
          .bytes_max = past_bytes_max};
}

base::Result<query::TableName> table_of(const Request& request) {
  TRY_ASSIGN(std::string text, required(request, "table"));
  return query::parse_table_name(text);
}

query::Reach reach_of(const Call& call, pg::Connection& history) {
  return [&call,
          &history](const std::string& source) -> base::Result<std::unique_ptr<query::LiveSide>> {
    if (call.services->live_rows != nullptr) return call.services->live_rows->open(history, source);
    return base::fail(base::ErrorKind::usage, "this program knows no source");
  };
}

std::string object(const query::PastRow& row) {
  std::string text = "{\"primary_key\": ";
  if (row.primary_key) {
    base::append_json_string(text, *row.primary_key);
  } else {
    text += "null";
  }
  return text + ", \"row\": " + row.row + ", \"fidelity\": " + row.fidelity.value_or("null") +
         ", \"operation\": null, \"effective_at\": null}";
}

// Cuts a page out of rows that are all in memory.
std::string page_of(const std::vector<query::PastRow>& rows, const query::PastPage& page,
                    const std::string& at) {
  std::string text = "{\"at\": ";
  base::append_json_string(text, rfc3339(at));
  text += ", \"total\": " + std::to_string(rows.size()) + ", \"rows\": [";
  std::size_t first = std::min(static_cast<std::size_t>(page.offset), rows.size());
  std::size_t last = std::min(first + static_cast<std::size_t>(page.limit), rows.size());
  for (std::size_t i = first; i < last; ++i) text += (i == first ? "" : ", ") + object(rows[i]);
  return text + "]}";
}

}  // namespace

base::Result<Response> history(const Call& call) {
  TRY_ASSIGN(query::TableName table, table_of(*call.request));
  TRY_ASSIGN(std::string key, required(*call.request, "key"));
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  query::PastOptions options = options_of(*call.request);
  TRY_ASSIGN(key, query::stored_key(*connection, table, key, options.source));
  TRY_ASSIGN(pg::Rows rows, query::history(*connection, table, key, options));
  if (rows.empty()) return problem(404, "there is no change of this record");
  return json("{\"versions\": " +
              objects(rows, rows.count(),
                      {{"version", 0},
                       {"valid_from", 1, Form::time},
                       {"valid_to", 2, Form::time},
                       {"operation", 3, Form::text},
                       {"changed", 5},
                       {"context", 6},
                       {"row", 7},
                       {"transaction_id", 8},
                       {"id", 9, Form::text}}) +
              "}");
}

base::Result<Response> as_of(const Call& call) {
  TRY_ASSIGN(query::TableName table, table_of(*call.request));
  query::PastPage page;
  TRY_ASSIGN(page.moment, required(*call.request, "at"));
  TRY_ASSIGN(page.limit, number_of(*call.request, "limit", 100, past_rows_max));
  TRY_ASSIGN(page.offset, number_of(*call.request, "offset", 0, 1'000'000'000));
  query::PastOptions options = options_of(*call.request);
  page.source = options.source.value_or("");
  page.partial = options.partial;
  page.allow_stale = options.allow_stale;
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  query::Asked asked{.table = table,
                     .key = {},
                     .moment = page.moment,
                     .options = options,
                     .live_rows_max = live_rows_max};
  TRY_ASSIGN(query::Plan plan, query::plan(*connection, reach_of(call, *connection), asked,
                                           /*thorough=*/false));
  if (plan.way == query::Plan::Way::walk_back) {
    TRY_ASSIGN(std::vector<query::PastRow> rows, query::as_of(*connection, plan, asked));
    return json(page_of(rows, page, plan.at));
  }
  TRY_ASSIGN(std::string rows, query::table_as_of(*connection, table, page));
  return json(std::move(rows));
}

base::Result<Response> diff(const Call& call) {
  TRY_ASSIGN(query::TableName table, table_of(*call.request));
  TRY_ASSIGN(std::string from, required(*call.request, "from"));
  TRY_ASSIGN(std::string to, required(*call.request, "to"));
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  query::Asked asked{.table = table,
                     .key = {},
                     .moment = {},
                     .options = options_of(*call.request),
                     .live_rows_max = live_rows_max};
  TRY_ASSIGN(pg::Rows rows, query::diff(*connection, reach_of(call, *connection), asked, from, to));
  int shown = std::min(rows.count(), static_cast<int>(past_rows_max));
  return json("{\"total\": " + std::to_string(rows.count()) + ", \"rows\": " +
              objects(rows, shown,
                      {{"primary_key", 0, Form::text},
                       {"operation", 1, Form::text},
                       {"before", 3},
                       {"after", 4}}) +
              "}");
}

}  // namespace bemi::serve
