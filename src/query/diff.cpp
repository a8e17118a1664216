// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/diff.hpp"

#include <string>
#include <unordered_map>

#include "base/json.hpp"
#include "query/as_of.hpp"

namespace bemi::query {
namespace {

using PastRows = std::vector<PastRow>;

constexpr const char* bytes_of_both = "octet_length(v.before::text) + octet_length(v.after::text)";

Bounded asked_of(std::string rows) {
  return {.rows = "select primary_key, operation, " + std::string(readable_changes) +
                  " as changes, before, after from " + std::move(rows),
          .columns = "v.primary_key, v.operation, v.changes, v.before, v.after",
          .bytes = bytes_of_both,
          .order = ""};
}

base::Result<pg::Rows> stored_diff(pg::Connection& history, const Asked& asked,
                                   const std::string& from, const std::string& to) {
  return within_bytes(
      history,
      asked_of("bemi.diff($1, bemi.moment($2, $4, $6), bemi.moment($3, $4, $6), $4, $5, $6)"),
      {quoted(asked.table), from, to, asked.options.source, pg::boolean(asked.options.partial),
       pg::boolean(asked.options.allow_stale)},
      asked.options.bytes_max);
}

std::string content_of(const PastRow& row) {
  return row.primary_key.value_or("") + '\n' + row.row + '\n' + row.exact.value_or("");
}

// A row in both is no difference, however often it is there.
void drop_common(PastRows& old, PastRows& now) {
  std::unordered_map<std::string, int> kept;
  for (const PastRow& row : old) ++kept[content_of(row)];
  std::unordered_map<std::string, int> common;
  std::erase_if(now, [&](const PastRow& row) {
    std::string content = content_of(row);
    auto found = kept.find(content);
    if (found == kept.end() || found->second == 0) return false;
    --found->second;
    ++common[content];
    return true;
  });
  std::erase_if(old, [&](const PastRow& row) {
    auto found = common.find(content_of(row));
    return found != common.end() && found->second-- > 0;
  });
}

std::string as_json(const PastRows& rows) {
  std::string text = "[";
  for (const PastRow& row : rows) {
    text += (text.size() > 1 ? ",{\"row\":" : "{\"row\":") + row.row;
    text += ",\"exact\":" + row.exact.value_or("null");
    if (row.primary_key) {
      text += ",\"primary_key\":";
      base::append_json_string(text, *row.primary_key);
    }
    text += "}";
  }
  return text + "]";
}

}  // namespace

base::Result<pg::Rows> diff(pg::Connection& history, const Reach& reach, const Asked& asked,
                            const std::string& from, const std::string& to) {
  auto told = stored_diff(history, asked, from, to);
  if (told) return told;
  Asked before = asked;
  before.moment = from;
  Asked after = asked;
  after.moment = to;
  TRY_ASSIGN(Plan then, plan(history, reach, before, /*thorough=*/false));
  TRY_ASSIGN(Plan later, plan(history, reach, after, /*thorough=*/false));
  if (!then.forward_refused && !later.forward_refused) return told;
  TRY_ASSIGN(PastRows old, as_of(history, then, before));
  TRY_ASSIGN(PastRows now, as_of(history, later, after));
  drop_common(old, now);
  return within_bytes(history, asked_of("_bemi.diff_of($1::jsonb, $2::jsonb)"),
                      {as_json(old), as_json(now)}, asked.options.bytes_max);
}

}  // namespace bemi::query
