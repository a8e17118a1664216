// SPDX-License-Identifier: LGPL-3.0-or-later
#include "revert/revert.hpp"

#include <algorithm>
#include <chrono>
#include <set>

#include <fmt/format.h>

#include "revert/conflicts.hpp"
#include "revert/context.hpp"
#include "revert/limits.hpp"
#include "revert/references.hpp"
#include "revert/row_values.hpp"
#include "revert/rules.hpp"
#include "revert/script.hpp"
#include "revert/sequences.hpp"

namespace bemi::revert {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t progress_rows = 20'000;  // between two reports of progress

bool selects_nothing(const query::ChangeFilter& filter) {
  return !filter.table && !filter.primary_key && !filter.operation && filter.context.empty() &&
         !filter.transaction && !filter.since && !filter.until && filter.ids.empty() &&
         !filter.after && filter.texts.empty() && filter.without_context.empty();
}

// One revert from its request to its end. Its transaction on the source stays open meanwhile.
class RevertSession {
 public:
  RevertSession(const Ends& ends, const Request& request) : ends_(ends), request_(request) {}
  RevertSession(const RevertSession&) = delete;
  RevertSession& operator=(const RevertSession&) = delete;
  ~RevertSession() { abandon(); }

  base::Result<Plan> make_plan() {
    TRY(check_request());
    TRY(ends_.catch_up());
    TRY(stage_all());
    TRY(summarize());
    TRY(try_writes());
    TRY(finish_plan());
    TRY(add_digest());
    return plan_;
  }

  base::Result<std::int64_t> commit() {
    TRY_ASSIGN(pg::Rows id, ends_.source.run("select pg_current_xact_id()::text"));
    TRY(raise_sequences(ends_.source, behind_));
    auto done = ends_.source.run("commit");
    open_ = false;
    if (!done && done.error().kind == base::ErrorKind::connection) {
      return base::fail(
          base::ErrorKind::connection,
          "the source did not answer to COMMIT: whether it is done is not known",
          "plan it again: the new plan leaves out everything that was undone already");
    }
    TRY(done);
    return id.integer(0, 0);
  }

  [[nodiscard]] const Stage& stage() const { return *stage_; }
  [[nodiscard]] const Execution& execution() const { return execution_; }
  [[nodiscard]] std::string context() const { return context_of(request_, plan_); }
  base::Status discard_writes() {
    if (plan_.rows() == 0) return {};
    TRY(ends_.source.run("rollback to savepoint bemi_try"));
    return {};
  }

 private:
  base::Status check_request() const;
  base::Status stage_all();
  base::Result<bool> stage_once(std::set<std::string>& extra);
  base::Status check_rights() const;
  struct Loaded {
    const PastTable* past;
    int tab;
    Places places;
  };
  [[nodiscard]] bool came_after(const PastTable& table) const;
  std::vector<Loaded> find_tables(const std::vector<PastTable>& past);
  base::Status load_table(const Loaded& table, const Stage::Put& put);
  base::Status load(const std::vector<PastTable>& past);
  base::Status summarize();
  base::Status try_writes();
  base::Status write_rows();
  base::Status switch_triggers(bool on);
  base::Status emit_context();
  base::Result<std::set<int>> used_shapes();
  base::Status finish_plan();
  base::Status note_sequences();
  base::Status count_rows();
  base::Status add_digest();
  TablePlan& plan_of(int tab) { return plan_.tables[of_tab_[static_cast<std::size_t>(tab) - 1]]; }
  void abandon();

  const Ends& ends_;
  const Request& request_;
  std::optional<History> history_;
  LiveSchema schema_;
  std::optional<Stage> stage_;
  Execution execution_;
  std::vector<BehindSequence> behind_;
  Plan plan_;
  std::vector<std::size_t> of_tab_;  // plan_.tables by the stage's tables
  bool open_ = false;
  bool careful_ = false;  // see Execution
};

base::Status RevertSession::check_request() const {
  if (selects_nothing(request_.filter)) {
    return base::fail(
        base::ErrorKind::usage, "nothing says which changes to undo",
        "give at least one of --context, --transaction, --table, --primary-key, --since, "
        "--until, --trace, --change");
  }
  return {};
}

void RevertSession::abandon() {
  if (history_) history_->close();
  history_.reset();
  if (!open_) return;
  open_ = false;
  [[maybe_unused]] auto ended = ends_.source.run("rollback");
}

base::Status RevertSession::stage_all() {
  std::set<std::string> extra;
  for (int round = 0; round < limits::cascade_rounds_max; ++round) {
    TRY_ASSIGN(bool complete, stage_once(extra));
    if (complete) {
      plan_.extended = static_cast<std::int64_t>(extra.size());
      return {};
    }
    abandon();
  }
  return base::fail(base::ErrorKind::limit, "--cascade found too many dependent changes",
                    "undo the later ones first");
}

// False when --cascade found more to undo.
base::Result<bool> RevertSession::stage_once(std::set<std::string>& extra) {
  ends_.progress({.step = "reading the history"});
  auto partitions = [&](const auto& names) { return find_partitions(ends_.source, names); };
  TRY_ASSIGN(History history, History::open(ends_.destination, request_.filter, ends_.source_name,
                                            {extra.begin(), extra.end()}, partitions));
  history_ = std::move(history);
  stage_.emplace(ends_.source);
  TRY(stage_->begin());
  open_ = true;
  TRY_ASSIGN(schema_, load_live_schema(ends_.source, history_->tables()));
  TRY(check_rights());
  plan_ = {};
  of_tab_.clear();
  TRY(load(history_->tables()));
  ends_.progress({.step = "comparing with the live rows", .rows = stage_->rows()});
  TRY(stage_->compare(request_.on_conflict));
  TRY(check_references(ends_.source, *stage_, schema_, request_.on_conflict));
  if (!request_.cascade) return true;
  TRY_ASSIGN(std::vector<std::string> more,
             changes_in_the_way(ends_.source, *history_, *stage_, schema_));
  std::size_t before = extra.size();
  extra.insert(more.begin(), more.end());
  if (static_cast<std::int64_t>(extra.size()) > limits::cascade_changes_max) {
    return base::fail(base::ErrorKind::limit, "too much was built on these changes",
                      "undo the later ones first, a part at a time");
  }
  return extra.size() == before;
}

base::Status RevertSession::check_rights() const {
  for (const auto& [oid, table] : schema_.tables) {
    if (table.missing_rights.empty()) continue;
    return base::fail(
        base::ErrorKind::permission,
        fmt::format("{} may not {} on {}", ends_.source.user(), table.missing_rights,
                    table.quoted()),
        fmt::format("grant it, or give a role that may with BEMI_REVERT_URL: grant {} on {} to {}",
                    table.missing_rights, table.quoted(),
                    pg::quote_identifier(ends_.source.user())));
  }
  return {};
}

// True if the table was created after the selected span began.
bool RevertSession::came_after(const PastTable& table) const {
  const auto& after = request_.filter.after;
  if (!after || table.shapes.empty()) return false;
  const At& first = table.shapes.front().since;
  return std::pair(first.epoch, first.position) > std::pair(after->epoch, after->position);
}

// The tables that still exist, each with its place in the plan; a conflict for every other one.
std::vector<RevertSession::Loaded> RevertSession::find_tables(const std::vector<PastTable>& past) {
  std::vector<Loaded> found;
  for (const auto& [schema, name] : history_->selected().unknown) {
    Conflict& conflict = plan_.conflicts.emplace_back();
    conflict.kind = ConflictKind::unknown;
    conflict.schema = schema;
    conflict.table = name;
    conflict.detail = "the history does not know which rows it had";
  }
  for (const PastTable& table : past) {
    auto live = schema_.tables.find(table.oid);
    if (live == schema_.tables.end() && came_after(table)) {
      plan_.warnings.push_back(fmt::format(
          "{}.{} was made and dropped since: nothing is left of it", table.schema, table.table));
      continue;
    }
    if (live == schema_.tables.end()) {
      Conflict& conflict = plan_.conflicts.emplace_back();
      conflict.kind = ConflictKind::table_gone;
      conflict.schema = table.schema;
      conflict.table = table.table;
      conflict.detail = "the table was dropped, or made anew, since";
      continue;
    }
    std::string rules = rule_names(live->second);
    if (!rules.empty() && !live->second.owned) {
      plan_.conflicts.push_back(rules_in_the_way(live->second));
      continue;
    }
    TablePlan& shown = plan_.tables.emplace_back();
    if (!rules.empty())
      shown.notes.push_back("its rules are switched off during the undo: " + rules);
    shown.schema = live->second.schema;
    shown.table = live->second.table;
    Places places = places_of(table, live->second, shown.notes);
    found.push_back({&table, stage_->add_table(live->second), std::move(places)});
    of_tab_.push_back(plan_.tables.size() - 1);
  }
  return found;
}

base::Status RevertSession::load_table(const Loaded& table, const Stage::Put& put) {
  auto sink = [&](const NetRow& row) -> base::Status {
    TRY(put(table.tab, row));
    if (stage_->rows() % progress_rows == 0) {
      ends_.progress({.step = "reading the history", .rows = stage_->rows()});
    }
    if (stage_->rows() <= request_.rows_max) return {};
    return base::fail(base::ErrorKind::limit,
                      fmt::format("more than {} rows would be undone", request_.rows_max),
                      "narrow the selection, or raise --max-rows");
  };
  TRY_ASSIGN(History::Remarks remarks, history_->net_rows(*table.past, table.places, sink));
  TablePlan& shown = plan_of(table.tab);
  shown.already_undone += remarks.undone;
  const std::vector<LiveColumn>& columns = schema_.tables[table.past->oid].columns;
  for (int column : remarks.redacted) {
    shown.notes.push_back("the values of " + columns[static_cast<std::size_t>(column)].name +
                          " are redacted: they stay as they are");
  }
  return history_->net_keyless_rows(*table.past, table.places, sink);
}

base::Status RevertSession::load(const std::vector<PastTable>& past) {
  std::vector<Loaded> tables = find_tables(past);
  return stage_->load([&](const Stage::Put& put) -> base::Status {
    for (const Loaded& table : tables) TRY(load_table(table, put));
    return {};
  });
}

base::Status RevertSession::count_rows() {
  for (std::size_t place : of_tab_) {
    TablePlan& table = plan_.tables[place];
    table.inserts = table.updates = table.deletes = table.skipped = 0;
  }
  TRY_ASSIGN(pg::Rows rows,
             ends_.source.run("select tab, kind, state, count(*) from pg_temp._bemi_state "
                              "group by 1, 2, 3"));
  for (int row = 0; row < rows.count(); ++row) {
    TablePlan& table = plan_of(static_cast<int>(rows.integer(row, 0)));
    std::int64_t count = rows.integer(row, 3);
    std::string kind = rows.text(row, 1);
    std::string state = rows.text(row, 2);
    if (state == "skipped") table.skipped += count;
    if (state != "go") continue;
    (kind == "I" ? table.inserts : kind == "D" ? table.deletes : table.updates) += count;
  }
  return {};
}

base::Status RevertSession::summarize() {
  plan_.source = ends_.source_name;
  plan_.changes = history_->selected().changes;
  plan_.transactions = history_->selected().transactions;
  const std::vector<std::string>& said = history_->selected().warnings;
  plan_.warnings.insert(plan_.warnings.begin(), said.begin(), said.end());
  TRY_ASSIGN(pg::Rows undone,
             ends_.source.run("select tab, count(*) from pg_temp._bemi_state where state = "
                              "'undone' group by 1"));
  for (int row = 0; row < undone.count(); ++row) {
    plan_of(static_cast<int>(undone.integer(row, 0))).already_undone += undone.integer(row, 1);
  }
  return count_rows();
}

base::Status RevertSession::emit_context() {
  auto emitted =
      ends_.source.query("select pg_logical_emit_message(true, '_bemi', $1)", {context()});
  if (!emitted) return std::unexpected(emitted.error().within("the context of the undo"));
  return {};
}

base::Status RevertSession::switch_triggers(bool on) {
  if (request_.fire_triggers) return {};
  for (const StageTable& table : stage_->tables()) {
    for (const LiveTrigger& trigger : table.live->triggers) {
      if (!table.live->owned || trigger.enabled == 'D') continue;
      const char* back = trigger.enabled == 'A'   ? "enable always"
                         : trigger.enabled == 'R' ? "enable replica"
                                                  : "enable";
      TRY(ends_.source.run(fmt::format("alter table {} {} trigger {}", trigger.table,
                                       on ? back : "disable",
                                       pg::quote_identifier(trigger.shown.name))));
    }
  }
  return {};
}

base::Status RevertSession::write_rows() {
  TRY_ASSIGN(execution_, plan_execution(ends_.source, *stage_, schema_, careful_));
  TRY(switch_rules(ends_.source, *stage_, false));
  TRY(switch_triggers(false));
  TRY_ASSIGN(Written before, written(ends_.source));
  TRY(emit_context());
  TRY(execute(ends_.source, *stage_, execution_));
  TRY_ASSIGN(plan_.side_effects, side_effects(ends_.source, *stage_, execution_, before));
  TRY_ASSIGN(auto differing, verify(ends_.source, *stage_));
  for (auto& [tab, columns] : differing) {
    plan_of(tab).not_restored = std::move(columns);
  }
  TRY(switch_rules(ends_.source, *stage_, true));
  return switch_triggers(true);
}

// Writes, unless there is a conflict. Finds the rows that the source refuses.
base::Status RevertSession::try_writes() {
  bool skip = request_.on_conflict == OnConflict::skip;
  auto started = Clock::now();
  for (int round = 0; round <= limits::rejected_rows_max; ++round) {
    TRY_ASSIGN(pg::Rows conflicts,
               ends_.source.run("select exists (select from pg_temp._bemi_state where state = "
                                "'conflict')"));
    if (conflicts.truth(0, 0) || plan_.rows() == 0 || (!plan_.conflicts.empty() && !skip))
      return {};
    ends_.progress({.step = "writing", .rows = plan_.rows()});
    TRY(ends_.source.run("savepoint bemi_try"));
    started = Clock::now();
    base::Status done = write_rows();
    plan_.seconds = std::chrono::duration<double>(Clock::now() - started).count();
    if (done) return {};
    if (done.error().kind != base::ErrorKind::rejected) return done;
    TRY(ends_.source.run("rollback to savepoint bemi_try"));
    if (may_be_careful(*stage_, execution_, done.error())) {
      careful_ = true;
      continue;
    }
    TRY(switch_rules(ends_.source, *stage_, false));
    TRY(switch_triggers(false));
    auto refused = find_refused(ends_.source, *stage_, execution_, done.error());
    TRY(ends_.source.run("rollback to savepoint bemi_try"));
    if (!refused) return std::unexpected(refused.error());
    base::Error error = done.error();
    if (refused->empty()) {
      if (!error.detail.empty()) error.message += " (" + error.detail + ")";
      return std::unexpected(error.within("the source refuses this"));
    }
    // The savepoint took the note with it.
    TRY(ends_.source.query(
        "update pg_temp._bemi_state set state = $2, conflict = 'rejected', detail = $3, "
        "conflict_columns = '{}' where n = $1::bigint",
        {*refused, skip ? "skipped" : "conflict", error.message}));
    if (skip) TRY(check_references(ends_.source, *stage_, schema_, request_.on_conflict));
    TRY(count_rows());
  }
  return base::fail(base::ErrorKind::limit, "the source refuses too many rows",
                    "narrow the selection");
}

// Equal plans have equal digests: the same writes and the same conflicts.
base::Status RevertSession::add_digest() {
  TRY_ASSIGN(pg::Rows rows, ends_.source.run(R"(
select md5(coalesce(string_agg(part, '|' order by part), '')) from (
  select concat_ws('/', s.tab, s.state, s.kind, s.conflict, count(*),
    sum(hashtextextended(concat_ws('/', s.key, p.target, p.target_exact, p.expected, p.expected_exact, s.columns), 0)::numeric)) as part
  from pg_temp._bemi_state s join pg_temp._bemi_net p using (n) group by s.tab, s.state, s.kind, s.conflict
) parts)"));
  std::string tables;
  for (const StageTable& table : stage_->tables()) tables += table.live->quoted() + "/";
  TRY_ASSIGN(pg::Rows digest,
             ends_.source.query("select left(md5($1), 16)",
                                {tables + rows.text(0, 0) +
                                 std::to_string(static_cast<int>(request_.on_conflict)) +
                                 (request_.fire_triggers ? "" : "quiet")}));
  plan_.digest = digest.text(0, 0);
  return {};
}

base::Result<std::set<int>> RevertSession::used_shapes() {
  TRY_ASSIGN(pg::Rows rows,
             ends_.source.run("select distinct shape from pg_temp._bemi_state where state = 'go'"));
  std::set<int> used;
  for (int row = 0; row < rows.count(); ++row) used.insert(static_cast<int>(rows.integer(row, 0)));
  return used;
}

base::Status RevertSession::finish_plan() {
  TRY_ASSIGN(Conflicts conflicts, read_conflicts(ends_.source, *history_, *stage_));
  bool tables_gone = !plan_.conflicts.empty();
  plan_.conflict_count = conflicts.count + static_cast<std::int64_t>(plan_.conflicts.size());
  plan_.conflicts.insert(plan_.conflicts.end(), conflicts.shown.begin(), conflicts.shown.end());
  TRY_ASSIGN(pg::Rows open,
             ends_.source.run("select exists (select from pg_temp._bemi_state where state = "
                              "'conflict')"));
  plan_.applicable =
      !open.truth(0, 0) && (!tables_gone || request_.on_conflict == OnConflict::skip);
  TRY_ASSIGN(std::set<int> used, used_shapes());
  for (const StageTable& table : stage_->tables()) {
    TablePlan& shown = plan_of(table.tab);
    TRY(add_examples(ends_.source, table, shown));
    shown.statements = described(*stage_, execution_, table.tab, used);
    for (const LiveTrigger& trigger : table.live->triggers) {
      bool on = trigger.enabled == 'O' || trigger.enabled == 'A';
      bool fires = (shown.inserts > 0 && (trigger.type & 4) != 0) ||
                   (shown.deletes > 0 && (trigger.type & 8) != 0) ||
                   (shown.updates > 0 && (trigger.type & 16) != 0);
      bool quiet = !request_.fire_triggers && table.live->owned;
      if (on && fires && !quiet) shown.triggers.push_back(trigger.shown);
    }
  }
  if (plan_.changes == 0) plan_.warnings.emplace_back("no change is selected");
  return note_sequences();
}

base::Status RevertSession::note_sequences() {
  for (const StageTable& table : stage_->tables()) {
    TablePlan& shown = plan_of(table.tab);
    if (shown.inserts == 0 || !plan_.applicable || !request_.raise_sequences) continue;
    TRY_ASSIGN(auto found, sequences_behind(ends_.source, table));
    for (BehindSequence& one : found) {
      shown.notes.push_back(
          fmt::format("the sequence {} is behind the restored rows: {}", one.sequence,
                      one.may_set ? fmt::format("it goes on after {}", one.value)
                                  : fmt::format("set it to {}, or grant UPDATE on it", one.value)));
      if (one.may_set) behind_.push_back(std::move(one));
    }
  }
  return {};
}

}  // namespace

base::Result<Plan> plan(const Ends& ends, const Request& request) {
  return RevertSession(ends, request).make_plan();
}

base::Result<Outcome> apply(const Ends& ends, const Request& request, const std::string& digest) {
  RevertSession session(ends, request);
  Outcome outcome;
  TRY_ASSIGN(outcome.plan, session.make_plan());
  if (!digest.empty() && digest != outcome.plan.digest) {
    return base::fail(base::ErrorKind::conflict,
                      "the plan has changed since " + digest + ": nothing was undone",
                      "plan it again; the digest is now " + outcome.plan.digest);
  }
  if (!outcome.plan.applicable) return std::unexpected(refusal(outcome.plan));
  if (outcome.plan.rows() == 0) return outcome;
  TRY_ASSIGN(outcome.transaction_id, session.commit());
  return outcome;
}

base::Result<Plan> script(const Ends& ends, const Request& request, std::ostream& out) {
  RevertSession session(ends, request);
  TRY_ASSIGN(Plan plan, session.make_plan());
  if (!plan.applicable) return std::unexpected(refusal(plan));
  TRY(session.discard_writes());
  TRY(write_script(ends.source, session.stage(), session.execution(), session.context(), plan,
                   out));
  return plan;
}

}  // namespace bemi::revert
