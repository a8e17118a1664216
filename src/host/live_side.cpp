// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/live_side.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include <nlohmann/json.hpp>

#include "decode/copy_row.hpp"
#include "decode/row.hpp"
#include "host/catch_up.hpp"
#include "host/connections.hpp"

namespace bemi::host {
namespace {

constexpr std::chrono::seconds catch_up_timeout{60};

// One history can hold several sources, and a URL can lead anywhere.
base::Status is_source(pg::Connection& history, pg::Connection& source,
                       const std::string& source_name) {
  constexpr const char* who =
      "select (select system_identifier from pg_control_system())::text, current_database()";
  TRY_ASSIGN(pg::Rows self, source.run(who));
  TRY_ASSIGN(pg::Rows known,
             history.query("select name from _bemi.source where system_identifier = $1 and "
                           "database = $2 and name = $3",
                           {self.text(0, 0), self.text(0, 1), source_name}));
  if (!known.empty()) return {};
  return base::fail(base::ErrorKind::usage,
                    "the source that is known here is not the history's " + source_name,
                    "see --source and --source-name");
}

// {"after": {...}} -> {...}
std::string of_after(const std::string& remarks) {
  if (remarks.empty()) return remarks;
  return nlohmann::json::parse(remarks).at("after").dump();
}

query::ReadRow reader_of(change::Relation relation, const change::Selection& selection) {
  for (change::Column& column : relation.columns) {
    // Columns that the worker redacts stay redacted, even if this program was not told to.
    column.redacted =
        column.redacted || selection.redacts(relation.schema, relation.table, column.name);
    column.ignored = selection.ignores(relation.schema, relation.table, column.name);
  }
  auto parser = std::make_shared<decode::CopyRow>();
  return [parser,
          relation = std::move(relation)](std::string_view line) -> base::Result<query::LiveRow> {
    TRY_ASSIGN(const decode::Tuple* tuple, parser->parse(line, relation.columns.size()));
    query::LiveRow row;
    decode::RowRemarks remarks;
    decode::append_row(row.row, relation, *tuple, nullptr, /*key_only=*/false, decode::Side::after,
                       remarks);
    // It may have been another one then, without a change on record.
    for (const change::Column& column : relation.columns) {
      if (column.ignored) remarks.fidelity.add("after", column.name, "assumed");
    }
    row.has_key = decode::append_primary_key(row.key, relation, *tuple, nullptr);
    row.exact = of_after(remarks.exact.text());
    row.fidelity = of_after(remarks.fidelity.text());
    return row;
  };
}

class LiveEnd : public query::LiveSide {
 public:
  LiveEnd(pg::Connection reader, pg::Connection fence, pg::Connection& history, std::string name,
          change::Selection selection)
      : reader_(std::move(reader)),
        fence_(std::move(fence)),
        history_(&history),
        name_(std::move(name)),
        selection_(std::move(selection)) {}

  pg::Connection& connection() override { return reader_; }
  base::Status catch_up() override {
    return host::catch_up(fence_, *history_, name_, catch_up_timeout, reader_.interrupt());
  }
  query::ReadRow reader(const change::Relation& relation) override {
    return reader_of(relation, selection_);
  }

 private:
  pg::Connection reader_;
  pg::Connection fence_;
  pg::Connection* history_;
  std::string name_;
  change::Selection selection_;
};

}  // namespace

base::Result<std::unique_ptr<query::LiveSide>> open_live_side(const Config& config,
                                                              pg::Connection& history,
                                                              const std::string& source_name) {
  TRY_ASSIGN(change::Selection selection, change::Selection::parse(config.tracking));
  TRY_ASSIGN(pg::Connection reader, open_source(config, Access::read_only));
  TRY(is_source(history, reader, source_name));
  TRY_ASSIGN(pg::Connection fence, open_source(config, Access::read_write));
  return std::make_unique<LiveEnd>(std::move(reader), std::move(fence), history, source_name,
                                   std::move(selection));
}

}  // namespace bemi::host
