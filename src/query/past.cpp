// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/past.hpp"

#include <fmt/format.h>

#include "change/key_text.hpp"
#include "query/known_names.hpp"

namespace bemi::query {
namespace {

constexpr const char* as_texts =
    R"((select json_object_agg(key, value) from jsonb_each_text(v."row")))";

}  // namespace

// All of it ASCII: not every database has an arrow.
const char* const readable_changes = R"(
(select string_agg(key || ': ' || case
          when operation in ('CREATE', 'SNAPSHOT') then chr(2) || now_is || chr(3)
          when operation = 'DELETE' then chr(1) || was || chr(3)
          else chr(1) || was || chr(3)
            || ' ' || chr(case getdatabaseencoding() when 'UTF8' then 8594 else 62 end) || ' '
            || chr(2) || now_is || chr(3) end, ', '
        order by key)
 from jsonb_each(changed) cross join lateral (
   select translate(coalesce(value ->> 0, 'null'), chr(1) || chr(2) || chr(3), '...') as was,
          translate(coalesce(value ->> 1, 'null'), chr(1) || chr(2) || chr(3), '...') as now_is) v))";

std::vector<PastRow> past_rows(const pg::Rows& rows) {
  auto optional = [&](int row, int column) {
    auto value = rows.get(row, column);
    return value ? std::optional(std::string(*value)) : std::nullopt;
  };
  std::vector<PastRow> past;
  for (int row = 0; row < rows.count(); ++row) {
    past.push_back({.row = rows.text(row, 0),
                    .texts = rows.text(row, 1),
                    .exact = optional(row, 2),
                    .fidelity = optional(row, 3),
                    .primary_key = optional(row, 4)});
  }
  return past;
}

base::Result<pg::Rows> within_bytes(pg::Connection& connection, const Bounded& asked,
                                    std::vector<pg::Parameter> parameters,
                                    std::optional<std::int64_t> bytes_max) {
  if (!bytes_max) {
    return connection.query(
        fmt::format("select {} from ({}) v {}", asked.columns, asked.rows, asked.order),
        parameters);
  }
  parameters.emplace_back(std::to_string(*bytes_max));
  // A row of its own says so, which no other one is beside.
  TRY_ASSIGN(
      pg::Rows found,
      connection.query(
          fmt::format("with found as materialized (select *, true as is_row from ({}) f), "
                      "weight as (select coalesce(sum({}), 0) > ${}::bigint as is_large "
                      "from found v) select {}, is_large from weight left join found v "
                      "on not is_large where is_large or is_row {}",
                      asked.rows, asked.bytes, parameters.size(), asked.columns, asked.order),
          parameters));
  bool is_large = found.count() == 1 && found.truth(0, found.columns() - 1);
  if (is_large) return std::unexpected(too_large(*bytes_max));
  return found;
}

base::Result<pg::Rows> rows_as_of(pg::Connection& destination, const std::string& moment,
                                  const TableName& table, const std::optional<std::string>& key,
                                  const PastOptions& options) {
  std::string columns =
      std::string(R"(v."row", )") + as_texts + R"( as texts, v.exact, v.fidelity, v.primary_key)";
  const char* bytes = "octet_length(v.\"row\"::text)";
  if (key) {
    return within_bytes(
        destination,
        {.rows = "select * from bemi.row_as_of($1, $2, bemi.moment($3, $4, $6), $4, $5, $6)",
         .columns = columns,
         .bytes = bytes,
         .order = ""},
        {quoted(table), change::asked_key_name(*key), moment, options.source,
         pg::boolean(options.partial), pg::boolean(options.allow_stale)},
        options.bytes_max);
  }
  return within_bytes(
      destination,
      {.rows =
           "select * from bemi.rows_as_of($1, bemi.moment($2, $3, $5), $3, $4, $5) r "
           "where $6::text is null or (length(r.primary_key), r.primary_key) > (length($6), $6) "
           "order by length(r.primary_key), r.primary_key limit $7::bigint",
       .columns = columns,
       .bytes = bytes,
       .order = "order by length(v.primary_key), v.primary_key"},
      {quoted(table), moment, options.source, pg::boolean(options.partial),
       pg::boolean(options.allow_stale), options.after,
       options.limit ? pg::Parameter(std::to_string(*options.limit)) : std::nullopt},
      options.bytes_max);
}

base::Error too_large(std::int64_t bytes_max) {
  constexpr std::int64_t megabyte = 1 << 20;
  return {base::ErrorKind::limit,
          "the answer has more than " + std::to_string(bytes_max / megabyte) + " MB",
          "ask for less at once; the commands bemi history, as-of and diff have no such bound",
          {}};
}

// More than is wanted is not even sent here.
base::Result<pg::Rows> history(pg::Connection& destination, const TableName& table,
                               const std::string& key, const PastOptions& options) {
  const char* within =
      "select *, sum(octet_length(\"row\"::text) + octet_length(changed::text) + "
      "octet_length(context::text)) over () as bytes from bemi.history($1, $2, $3)";
  std::string columns =
      std::string(readable_changes) + R"( as changes, changed, context, "row", transaction_id, id)";
  if (!options.bytes_max) {
    return destination.query("select version, valid_from, valid_to, operation, " + columns +
                                 " from bemi.history($1, $2, $3) order by version",
                             {quoted(table), change::asked_key_name(key), options.source});
  }
  TRY_ASSIGN(
      pg::Rows rows,
      destination.query(
          fmt::format("with all_versions as materialized ({}) select version, valid_from, "
                      "valid_to, operation, {} from all_versions where bytes <= $4::bigint "
                      "union all select null, null, null, null, null, null, null, null, null, "
                      "null where exists (select from all_versions where bytes > $4::bigint) "
                      "order by 1",
                      within, columns),
          {quoted(table), change::asked_key_name(key), options.source,
           std::to_string(*options.bytes_max)}));
  if (!rows.empty() && !rows.get(0, 0)) return std::unexpected(too_large(*options.bytes_max));
  return rows;
}

base::Result<pg::Rows> blame(pg::Connection& destination, const TableName& table,
                             const std::string& key, const std::optional<std::string>& source) {
  return destination.query(
      "select \"column\", value, since, operation, context, transaction_id, id from "
      "bemi.blame($1, $2, $3)",
      {quoted(table), change::asked_key_name(key), source});
}

base::Result<pg::Rows> trends(pg::Connection& destination, const std::string& interval,
                              const std::string& group_by, const Span& span) {
  TRY(check_source(destination, span.source));
  if (is_context_key(group_by)) TRY(check_context_key(destination, group_by));
  return destination.query(
      "select starts_at, grp as \"group\", changes from bemi.trends($1::interval, $2, "
      "$3::timestamptz, $4::timestamptz, $5)",
      {interval, group_by, span.since, span.until, span.source});
}

base::Result<pg::Rows> transactions(pg::Connection& destination, const std::string& context,
                                    const Span& span, std::int64_t limit) {
  TRY(check_source(destination, span.source));
  return destination.query(
      "select effective_at, transaction_id, changes, tables, context, transaction_source as source "
      "from bemi.transactions($1::timestamptz, $2::timestamptz, $3::jsonb, $4, $5)",
      {span.since, span.until, context, span.source, std::to_string(limit)});
}

}  // namespace bemi::query
