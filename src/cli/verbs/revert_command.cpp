// SPDX-License-Identifier: LGPL-3.0-or-later
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/output.hpp"
#include "cli/revert_output.hpp"
#include "cli/verbs/revert_options.hpp"
#include "host/connections.hpp"
#include "host/revert_ends.hpp"
#include "revert/history.hpp"
#include "revert/redo.hpp"
#include "revert/revert.hpp"

namespace bemi::cli {
namespace {

base::Result<revert::OnConflict> policy_of(const std::string& text) {
  if (text == "fail") return revert::OnConflict::fail;
  if (text == "skip") return revert::OnConflict::skip;
  if (text == "force") return revert::OnConflict::force;
  return base::fail(base::ErrorKind::usage, "not a policy: " + text, "use fail, skip or force");
}

std::optional<std::string> given(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

base::Result<revert::Request> request_of(const RevertOptions& options) {
  revert::Request request;
  if (!options.select.table.empty()) {
    TRY_ASSIGN(request.filter.table, query::parse_table_name(options.select.table));
  }
  request.filter.primary_key = given(options.select.primary_key);
  request.filter.operation = given(options.select.operation);
  request.filter.context = options.select.context;
  if (!options.trace.empty()) request.filter.context.push_back("trace_id=" + options.trace);
  if (options.select.transaction != 0) request.filter.transaction = options.select.transaction;
  request.filter.since = given(options.select.since);
  request.filter.until = given(options.select.until);
  request.filter.ids = options.changes;
  TRY_ASSIGN(request.on_conflict, policy_of(options.on_conflict));
  request.cascade = options.cascade;
  request.rows_max = options.rows_max;
  request.fire_triggers = !options.no_triggers;
  request.actor = options.actor.empty() ? host::default_actor() : options.actor;
  request.reason = options.reason;
  return request;
}

void print(const revert::Plan& plan, const std::string& format) {
  if (format == "json")
    std::cout << revert::to_json(plan) << "\n";
  else
    std::cout << render_plan(plan, use_colour());
}

void advise(const RevertOptions& options, const revert::Plan& plan) {
  if (options.select.format == "json") return;
  if (!plan.applicable) {
    std::cout << "Nothing can be undone like this. See --on-conflict skip|force, and --cascade.\n";
  } else if (plan.rows() == 0) {
    std::cout << "There is nothing to undo.\n";
  } else {
    std::cout << "Nothing is changed yet. To do it, the same command with:  --apply " << plan.digest
              << "\n";
  }
}

base::Result<bool> write_script(const revert::Ends& ends, const revert::Request& request,
                                const RevertOptions& options) {
  if (options.script_file == "-") {
    TRY(revert::script(ends, request, std::cout));
    return true;
  }
  std::ofstream file(options.script_file);
  if (!file) {
    return base::fail(base::ErrorKind::usage, "cannot write " + options.script_file,
                      "does its folder exist, and may you write there?");
  }
  TRY_ASSIGN(revert::Plan plan, revert::script(ends, request, file));
  file.close();
  if (!file) return base::fail(base::ErrorKind::disk_full, "cannot write " + options.script_file);
  print(plan, options.select.format);
  std::cerr << "bemi: wrote " << options.script_file << "\n";
  return plan.conflict_count == 0;
}

base::Result<bool> apply(const revert::Ends& ends, const revert::Request& request,
                         const RevertOptions& options) {
  host::announce("revert", ends.source);
  TRY_ASSIGN(revert::Outcome done, revert::apply(ends, request, options.digest));
  if (options.select.format == "json") {
    auto json = nlohmann::ordered_json::parse(revert::to_json(done.plan));
    json["applied"] = done.transaction_id != 0;
    json["transaction_id"] = done.transaction_id;
    std::cout << json.dump() << "\n";
  } else {
    std::cout << render_plan(done.plan, use_colour());
    if (done.transaction_id == 0) {
      std::cout << "There is nothing to undo.\n";
    } else {
      std::cout << fmt::format(
          "Done, in transaction {0}. To take it back: bemi redo --transaction {0}\n",
          done.transaction_id);
    }
  }
  return done.plan.conflict_count == 0;
}

base::Result<bool> revert(const revert::Ends& ends, const revert::Request& request,
                          const RevertOptions& options) {
  if (options.apply) return apply(ends, request, options);
  if (!options.script_file.empty()) return write_script(ends, request, options);
  TRY_ASSIGN(revert::Plan plan, revert::plan(ends, request));
  print(plan, options.select.format);
  advise(options, plan);
  return plan.applicable && plan.conflict_count == 0;
}

base::Status check_reached(const revert::Ends& ends, const query::ChangeFilter& filter) {
  return revert::check_reached(ends.destination, ends.source_name, filter);
}

}  // namespace

base::Result<bool> revert_command(const host::Config& config, const RevertOptions& options,
                                  const base::Interrupt& stop) {
  TRY_ASSIGN(revert::Request request, request_of(options));
  TRY_ASSIGN(auto ends, host::RevertEnds::open(config, options.timeout_s, stop));
  TRY(ask_waiting(config, options.select.wait,
                  [&] { return check_reached(ends->ends(), request.filter); }));
  return revert(ends->ends(), request, options);
}

base::Result<bool> redo_command(const host::Config& config, RevertOptions options,
                                const base::Interrupt& stop) {
  TRY_ASSIGN(auto ends, host::RevertEnds::open(config, options.timeout_s, stop));
  if (options.select.transaction == 0) {
    TRY(ends->ends().catch_up());
    TRY_ASSIGN(options.select.transaction, revert::last_revert(ends->ends()));
  }
  TRY_ASSIGN(revert::Request request, request_of(options));
  return revert(ends->ends(), request, options);
}

}  // namespace bemi::cli
