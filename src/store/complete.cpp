// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/complete.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include <nlohmann/json.hpp>

#include "base/json.hpp"

namespace bemi::store {
namespace {

using change::Change;
using change::Operation;
using nlohmann::json;

constexpr const char* select_last_rows = R"(
select key, "row"::text, coalesce(exact::text, '{}')
from _bemi.last_rows($1, $2::int, $3, $4, array(select jsonb_array_elements_text($5::jsonb))))";

// A row as the history has it: a JSON text, and what is remarked of its columns.
struct Row {
  std::string text;
  json exact = json::object();
};
using Rows = std::unordered_map<std::string, Row>;
using TableName = std::pair<std::string, std::string>;  // schema, table

TableName table_of(const Change& change) {
  return {change.relation->schema, change.relation->table};
}

std::string old_key(const Change& change) {
  return std::string(change.moved ? change.previous_key : change.primary_key);
}

json parse_object(std::string_view text) {
  json value = text.empty() ? json::object() : json::parse(text, nullptr, /*exceptions=*/false);
  return value.is_object() ? value : json::object();
}

// One side of a change while it is filled in.
class Side {
 public:
  Side(const Change& change, const char* name, json& exact, json& fidelity)
      : relation_(*change.relation), exact_(exact[name]), fidelity_(fidelity[name]) {
    if (exact_.is_null()) exact_ = json::object();
    if (fidelity_.is_null()) fidelity_ = json::object();
  }

  // `sent`: the row as far as the stream had it; `stored`: null when the history has none.
  std::string fill(std::string_view sent, const Row* stored) {
    auto sent_members = base::json_members(sent);
    auto stored_members =
        stored == nullptr ? base::JsonMembers{} : base::json_members(stored->text);
    for (const change::Column& column : relation_.columns) {
      std::string name;
      base::append_json_string(name, column.name);
      if (auto found = sent_members.find(name); found != sent_members.end()) {
        append(name, found->second);
      } else if (column.redacted) {
        fidelity_[column.name] = "redacted";
      } else if (auto had = stored_members.find(name); had != stored_members.end()) {
        append(name, had->second);
        fidelity_[column.name] = "reconstructed";
        if (auto text = stored->exact.find(column.name); text != stored->exact.end()) {
          exact_[column.name] = *text;
        }
      } else {
        fidelity_[column.name] = "unknown";
      }
    }
    for (const std::string& name : relation_.unsent) fidelity_[name] = "unknown";
    return out_ + "}";
  }

 private:
  void append(std::string_view name, std::string_view value) {
    if (out_.size() > 1) out_.push_back(',');
    out_.append(name).append(":").append(value);
  }

  const change::Relation& relation_;
  json& exact_;
  json& fidelity_;
  std::string out_ = "{";
};

std::string text_of(json remarks) {
  for (const char* side : {"before", "after"}) {
    if (remarks.contains(side) && remarks[side].empty()) remarks.erase(side);
  }
  return remarks.empty() ? std::string() : remarks.dump();
}

class Completer {
 public:
  explicit Completer(change::Batch& batch) : batch_(batch) {}

  base::Status load(pg::Connection& destination, const Progress& progress) {
    std::map<TableName, std::set<std::string>> wanted;
    for (const Change& change : batch_.changes) {
      if (change.partial && change.has_key) wanted[table_of(change)].insert(old_key(change));
    }
    for (const auto& [table, keys] : wanted) {
      TRY_ASSIGN(pg::Rows found, destination.query(select_last_rows,
                                                   {progress.source, std::to_string(progress.epoch),
                                                    table.first, table.second, json(keys).dump()}));
      Rows& rows = tables_[table];
      for (int row = 0; row < found.count(); ++row) {
        rows[found.text(row, 0)] = {.text = found.text(row, 1),
                                    .exact = parse_object(found.text(row, 2))};
      }
    }
    return {};
  }

  void run() {
    for (Change& change : batch_.changes) take(change);
  }

 private:
  // In order: a row that the batch itself made or changed is the newest there is.
  void take(Change& change) {
    Rows& rows = tables_[table_of(change)];
    if (change.operation == Operation::truncate || change.operation == Operation::schema) {
      rows.clear();
      return;
    }
    auto stored = rows.find(old_key(change));
    if (change.partial) fill(change, stored == rows.end() ? nullptr : &stored->second);
    if (!change.has_key) return;
    if (stored != rows.end()) rows.erase(stored);
    if (change.operation == Operation::delete_) return;
    json exact = parse_object(change.exact);
    rows[std::string(change.primary_key)] = {.text = std::string(change.after),
                                             .exact = exact.value("after", json::object())};
  }

  void fill(Change& change, const Row* stored) {
    json exact = parse_object(change.exact);
    json fidelity = parse_object(change.fidelity);
    change.before = keep(Side(change, "before", exact, fidelity).fill(change.before, stored));
    if (change.operation == Operation::update) {
      change.after = keep(Side(change, "after", exact, fidelity).fill(change.after, stored));
    }
    change.exact = keep(text_of(std::move(exact)));
    change.fidelity = keep(text_of(std::move(fidelity)));
  }

  std::string_view keep(std::string text) {
    batch_.memory.push_back(std::make_unique<std::string>(std::move(text)));
    return *batch_.memory.back();
  }

  change::Batch& batch_;
  std::map<TableName, Rows> tables_;
};

}  // namespace

bool is_partial(const change::Batch& batch) {
  return std::ranges::any_of(batch.changes, &Change::partial);
}

base::Status complete(pg::Connection& destination, const Progress& progress, change::Batch& batch) {
  Completer completer(batch);
  TRY(completer.load(destination, progress));
  completer.run();
  return {};
}

}  // namespace bemi::store
