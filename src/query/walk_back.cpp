// SPDX-License-Identifier: LGPL-3.0-or-later
#include "query/walk_back.hpp"

#include <algorithm>
#include <chrono>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "change/key_text.hpp"
#include "change/relation_json.hpp"
#include "pg/table_guard.hpp"

namespace bemi::query {
namespace {

using nlohmann::json;

constexpr int attempts_max = 50;
constexpr std::size_t page_rows = 2000;
constexpr std::size_t page_bytes = 1UL << 20;

constexpr const char* select_place = R"(
select p::text, p.relation, p.columns::text,
       (select to_jsonb(v.primary_key)::text from _bemi.relation_version v
        where v.source = p.source and v.epoch = p.epoch and v.relation = p.relation and v.effective_at <= p.at
        order by v.position desc, v.sequence desc limit 1),
       p.schema, p."table", _bemi.is_ahead(p, $4::pg_snapshot)
from _bemi.walk_place($1, bemi.moment($2, $3), $3) p)";

constexpr const char* select_live_columns = R"(
select a.attnum, a.attname from pg_attribute a
where a.attrelid = $1::oid and a.attnum > 0 and not a.attisdropped)";

constexpr const char* select_newest_columns = R"(
select v.columns::text from _bemi.relation_version v, (select ($1::_bemi.place).*) p
where v.source = p.source and v.relation = p.relation
order by v.epoch desc, v.position desc, v.sequence desc limit 1)";

constexpr const char* select_live_table = R"(
select format('%I.%I', n.nspname, c.relname), c.relkind = 'p'
from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::oid)";

Bounded walked_keys() {
  return {.rows = "select * from _bemi.walked_keys($1::_bemi.place, $2::pg_snapshot, $3)",
          .columns = R"(v."row", v.exact, v.fidelity, v.primary_key, v.existed)",
          .bytes = R"(coalesce(octet_length(v."row"::text), 0) + octet_length(v.primary_key))",
          .order = ""};
}

Bounded walked_contents() {
  return {.rows = "select * from _bemi.walked_contents($1::_bemi.place, $2::pg_snapshot)",
          .columns = "v.content, coalesce(v.exact::text, ''), v.count",
          .bytes = "octet_length(v.content) * greatest(v.count, 1)",
          .order = ""};
}

// Rows as jsonb prints them.
constexpr const char* select_page = R"(
select v."row", (select json_object_agg(key, value) from jsonb_each_text(v."row")), v.exact, v.fidelity, v.primary_key
from (select r -> 0 as "row", nullif(r -> 1, 'null') as exact, nullif(r -> 2, 'null') as fidelity, r ->> 3 as primary_key
      from jsonb_array_elements($1::jsonb) r) v)";

struct Place {
  std::string text;
  std::string relation_oid;
  std::string name;  // for messages
  change::Relation relation;
  bool ahead = false;
};

struct Live {
  std::string snapshot;
  std::string name;  // quoted
  bool partitioned = false;
  std::vector<std::pair<int, std::string>> columns;
};

base::Result<Place> find_place(pg::Connection& history, const Asked& asked,
                               const std::string& snapshot) {
  std::string name = quoted(asked.table);
  TRY_ASSIGN(pg::Rows rows,
             history.query(select_place, {name, asked.moment, asked.options.source, snapshot}));
  Place place{.text = rows.text(0, 0),
              .relation_oid = rows.text(0, 1),
              .name = rows.text(0, 4) + "." + rows.text(0, 5),
              .relation = {},
              .ahead = rows.truth(0, 6)};
  place.relation.schema = rows.text(0, 4);
  place.relation.table = rows.text(0, 5);
  auto columns = change::read_columns_text(rows.text(0, 2));
  auto key = change::read_names(rows.text(0, 3));
  if (!columns || !key) {
    return base::fail(base::ErrorKind::internal,
                      "the history's note of how " + place.name + " looked cannot be read");
  }
  place.relation.columns = std::move(*columns);
  change::set_primary_key(place.relation, *key);
  return place;
}

class Walk {
 public:
  Walk(pg::Connection& history, LiveSide& side, const Asked& asked)
      : history_(history), side_(side), asked_(asked) {}

  base::Result<std::vector<PastRow>> run() {
    TRY(open());
    TRY(choose_columns());
    if (place_.relation.primary_key.empty()) {
      TRY(undo_contents());
    } else {
      TRY(undo_keys());
    }
    TRY(flush());
    TRY(side_.connection().run("commit"));
    return std::move(rows_);
  }

 private:
  // A snapshot that shows all that the time has. Commits become visible a moment after their time.
  base::Status open() {
    for (int attempt = 0; attempt < attempts_max; ++attempt) {
      // A policy that would hide rows is an error instead.
      TRY(side_.connection().run(
          "begin isolation level repeatable read read only; set local row_security = off"));
      TRY_ASSIGN(pg::Rows now, side_.connection().run("select pg_current_snapshot()"));
      live_.snapshot = now.text(0, 0);
      TRY(side_.catch_up());
      TRY_ASSIGN(place_, find_place(history_, asked_, live_.snapshot));
      if (!place_.ahead) return describe_live();
      TRY(side_.connection().run("rollback"));
      base::pause(side_.connection().interrupt(), std::chrono::milliseconds(20));
    }
    return base::fail(base::ErrorKind::conflict,
                      "a transaction of that time does not become visible on the source",
                      "does it wait for a standby? ask for an earlier time");
  }

  base::Status describe_live() {
    TRY_ASSIGN(pg::Rows table, side_.connection().query(select_live_table, {place_.relation_oid}));
    if (table.empty()) {
      return base::fail(base::ErrorKind::usage, place_.name + " is not there any more",
                        "--partial shows the rows that are known");
    }
    live_.name = table.text(0, 0);
    live_.partitioned = table.truth(0, 1);
    TRY_ASSIGN(std::string elsewhere,
               pg::foreign_partition(side_.connection(), place_.relation_oid));
    if (!elsewhere.empty()) {
      return base::fail(base::ErrorKind::gap,
                        fmt::format("the partition {} of {} is a foreign table, whose changes "
                                    "nobody tells",
                                    elsewhere, place_.name),
                        "--partial shows the rows that are known");
    }
    // The table's owner must not get code run with the reader's rights.
    TRY(pg::lock_table(side_.connection(), place_.relation_oid, live_.name));
    TRY_ASSIGN(std::string code, pg::foreign_code(side_.connection(), place_.relation_oid));
    if (!code.empty()) {
      return base::fail(base::ErrorKind::unsupported,
                        "to read the rows of " + place_.name + " now would run " + code,
                        "--partial shows the rows that are known");
    }
    TRY_ASSIGN(pg::Rows columns,
               side_.connection().query(select_live_columns, {place_.relation_oid}));
    for (int row = 0; row < columns.count(); ++row) {
      live_.columns.emplace_back(columns.integer(row, 0), columns.text(row, 1));
    }
    return {};
  }

  // The columns of that time that still exist, under today's names.
  base::Status choose_columns() {
    readable_ = place_.relation;
    readable_.columns.clear();
    for (const change::Column& column : place_.relation.columns) {
      auto now = std::ranges::find_if(live_.columns, [&](const auto& live) {
        return column.number != 0 ? live.first == column.number : live.second == column.name;
      });
      if (now != live_.columns.end()) {
        list_ += (list_.empty() ? "" : ", ") + pg::quote_identifier(now->second);
        names_.emplace(column.name, pg::quote_identifier(now->second));
        readable_.columns.push_back(column);
        continue;
      }
      lost_[column.name] = "unknown";
      if (asked_.options.partial) continue;
      return base::fail(base::ErrorKind::gap,
                        fmt::format("{}.{} was dropped since: what it had then is not known",
                                    place_.name, column.name),
                        "take the other columns with --partial");
    }
    TRY(keep_redacted());
    std::vector<std::string> key;
    for (std::size_t index : place_.relation.primary_key)
      key.push_back(place_.relation.columns[index].name);
    change::set_primary_key(readable_, key);
    return {};
  }

  // A column that is redacted now may not have been then, but these are the current values.
  base::Status keep_redacted() {
    TRY_ASSIGN(pg::Rows newest, history_.query(select_newest_columns, {place_.text}));
    if (newest.empty()) return {};
    auto columns = change::read_columns_text(newest.text(0, 0));
    if (!columns) return {};
    for (const change::Column& column : *columns) {
      if (!column.redacted) continue;
      auto same = std::ranges::find_if(readable_.columns, [&](const change::Column& one) {
        return column.number != 0 ? one.number == column.number : one.name == column.name;
      });
      if (same != readable_.columns.end()) same->redacted = true;
    }
    return {};
  }

  [[nodiscard]] std::optional<std::string> asked_name() const {
    if (!asked_.key) return std::nullopt;
    return change::asked_key_name(*asked_.key);
  }

  [[nodiscard]] std::string where_key() const {
    if (!asked_.key) return "";
    std::vector<std::string> values{*asked_.key};
    if (readable_.primary_key.size() > 1) {
      auto list = json::parse(*asked_.key, nullptr, /*allow_exceptions=*/false);
      if (!list.is_array() || list.size() != readable_.primary_key.size()) return " where false";
      values.clear();
      for (const json& value : list)
        values.push_back(value.is_string() ? value.get<std::string>() : value.dump());
    }
    std::string where;
    for (std::size_t i = 0; i < readable_.primary_key.size(); ++i) {
      const std::string& name = readable_.columns[readable_.primary_key[i]].name;
      where += fmt::format("{} {} = {}", i == 0 ? " where" : " and", names_.at(name),
                           pg::quote_literal(values[i]));
    }
    return where;
  }

  // Rows that are too wide are not even sent here: one alone may have a gigabyte.
  base::Status weigh_live(const std::string& rows) {
    if (!asked_.options.bytes_max) return {};
    TRY_ASSIGN(pg::Rows weight,
               side_.connection().query("select coalesce(sum(octet_length((v.*)::text)), 0) > "
                                        "$1::bigint from (" +
                                            rows + ") v",
                                        {std::to_string(*asked_.options.bytes_max)}));
    return weight.truth(0, 0) ? std::unexpected(too_large(*asked_.options.bytes_max))
                              : base::Status();
  }

  // Each live row as the history would have it.
  base::Status read_live(const std::function<base::Status(const LiveRow&)>& take) {
    std::string rows = fmt::format("select {} from {}{}{}", list_, live_.partitioned ? "" : "only ",
                                   live_.name, where_key());
    TRY(weigh_live(rows));
    std::string sql = "copy (" + rows + ") to stdout";
    ReadRow read = side_.reader(readable_);
    TRY_ASSIGN(pg::CopyOut copy, side_.connection().copy_out(sql));
    while (true) {
      TRY_ASSIGN(std::optional<std::string_view> line, copy.next());
      if (!line) return {};
      TRY_ASSIGN(LiveRow row, read(*line));
      TRY(take(row));
    }
  }

  base::Status undo_keys() {
    TRY_ASSIGN(pg::Rows walked,
               within_bytes(history_, walked_keys(), {place_.text, live_.snapshot, asked_name()},
                            asked_.options.bytes_max));
    std::unordered_set<std::string> changed;
    for (int row = 0; row < walked.count(); ++row) {
      changed.insert(walked.text(row, 3));
      if (!walked.truth(row, 4)) continue;
      TRY(add({.key = walked.text(row, 3),
               .has_key = true,
               .row = walked.text(row, 0),
               .exact = walked.text(row, 1)},
              walked.text(row, 2)));
    }
    return read_live([&](const LiveRow& row) -> base::Status {
      return changed.contains(row.key) ? base::Status{} : add(row, lost_text(row));
    });
  }

  // Rows without a key: as many of each content as there were more then, or fewer.
  base::Status undo_contents() {
    TRY_ASSIGN(pg::Rows walked,
               within_bytes(history_, walked_contents(), {place_.text, live_.snapshot},
                            asked_.options.bytes_max));
    std::unordered_map<std::string, std::int64_t> came;
    for (int row = 0; row < walked.count(); ++row) {
      std::int64_t count = walked.integer(row, 2);
      if (count < 0) came[walked.text(row, 0) + walked.text(row, 1)] = -count;
      LiveRow content{.row = walked.text(row, 0), .exact = walked.text(row, 1)};
      for (std::int64_t i = 0; i < count; ++i) TRY(add(content, ""));
    }
    TRY(flush());
    came_ = std::move(came);
    return read_live([&](const LiveRow& row) { return add(row, lost_text(row)); });
  }

  [[nodiscard]] std::string lost_text(const LiveRow& row) const {
    if (lost_.empty()) return row.fidelity;
    json remarks = row.fidelity.empty() ? json::object() : json::parse(row.fidelity);
    remarks.update(lost_);
    return remarks.dump();
  }

  base::Status add(const LiveRow& row, const std::string& fidelity) {
    auto or_null = [](const std::string& text) { return text.empty() ? "null" : text; };
    page_ += (page_.empty() ? "[[" : ",[") + row.row + "," + or_null(row.exact) + "," +
             or_null(fidelity) + ",";
    if (row.has_key) {
      base::append_json_string(page_, row.key);
    } else {
      page_ += "null";
    }
    page_ += "]";
    bool is_full = ++added_ % page_rows == 0 || page_.size() >= page_bytes;
    return is_full ? flush() : base::Status{};
  }

  base::Status flush() {
    if (page_.empty()) return {};
    TRY_ASSIGN(pg::Rows page, history_.query(select_page, {page_ + "]"}));
    page_.clear();
    for (PastRow& row : past_rows(page)) {
      auto came = came_.find(row.row + row.exact.value_or(""));
      if (came != came_.end() && came->second > 0) {
        --came->second;
        continue;
      }
      bytes_ += static_cast<std::int64_t>(row.row.size());
      rows_.push_back(std::move(row));
    }
    bool is_large = asked_.options.bytes_max && bytes_ > *asked_.options.bytes_max;
    return is_large ? std::unexpected(too_large(*asked_.options.bytes_max)) : base::Status();
  }

  pg::Connection& history_;
  LiveSide& side_;
  const Asked& asked_;
  Place place_;
  Live live_;
  change::Relation readable_;
  std::string list_;
  std::unordered_map<std::string, std::string> names_;
  json lost_ = json::object();
  std::unordered_map<std::string, std::int64_t> came_;  // since, of rows without a key
  std::string page_;
  std::size_t added_ = 0;
  std::int64_t bytes_ = 0;  // of rows_
  std::vector<PastRow> rows_;
};

}  // namespace

base::Result<std::vector<PastRow>> walk_back(pg::Connection& history, LiveSide& live,
                                             const Asked& asked) {
  return Walk(history, live, asked).run();
}

}  // namespace bemi::query
