// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fstream>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/filter_options.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/revert_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "cli/wait.hpp"
#include "host/connections.hpp"
#include "host/revert_ends.hpp"
#include "host/stop.hpp"
#include "query/known_names.hpp"
#include "revert/history.hpp"
#include "revert/redo.hpp"
#include "revert/revert.hpp"

namespace bemi::cli {
namespace {

struct RevertOptions {
  FilterOptions filter;
  Wait wait{};  // for the times of the filter
  std::vector<std::string> changes;
  bool is_redo = false;  // what is undone is an undo
  std::string trace;
  std::string on_conflict = "fail";
  bool cascade = false;
  CLI::Option* apply = nullptr;  // with a digest or without
  std::string digest;
  std::string script_file;
  std::int64_t rows_max = 10'000;
  bool no_triggers = false;
  std::string actor;
  std::string reason;
  int timeout_s = 60;
  std::string format = "table";
};

base::Result<revert::OnConflict> policy_of(const std::string& text) {
  if (text == "fail") return revert::OnConflict::fail;
  if (text == "skip") return revert::OnConflict::skip;
  if (text == "force") return revert::OnConflict::force;
  return base::fail(base::ErrorKind::usage, "not a policy: " + text, "use fail, skip or force");
}

base::Result<revert::Request> request_of(const RevertOptions& options) {
  revert::Request request;
  TRY_ASSIGN(request.filter, filter_of(options.filter));
  if (!options.trace.empty()) request.filter.context.push_back("trace_id=" + options.trace);
  request.filter.ids = options.changes;
  TRY_ASSIGN(request.on_conflict, policy_of(options.on_conflict));
  request.cascade = options.cascade;
  request.rows_max = options.rows_max;
  request.fire_triggers = !options.no_triggers;
  request.actor = options.actor.empty() ? host::default_actor() : options.actor;
  request.reason = options.reason;
  return request;
}

const char* deed_of(const RevertOptions& options) { return options.is_redo ? "Redo" : "Undo"; }

void print_plan(const revert::Plan& plan, const RevertOptions& options) {
  if (options.format == "json")
    std::cout << revert::to_json(plan) << "\n";
  else
    std::cout << render_plan(plan, use_colour(), deed_of(options));
}

void print_nothing(const RevertOptions& options) {
  std::cout << "There is nothing to " << (options.is_redo ? "redo" : "undo") << ".\n";
}

void advise(const RevertOptions& options, const revert::Plan& plan) {
  if (options.format == "json") return;
  if (!plan.applicable) {
    std::cout << "Nothing can be undone like this. See --on-conflict skip|force, and --cascade.\n";
  } else if (plan.rows() == 0) {
    print_nothing(options);
  } else {
    std::cout << "Nothing has changed yet. To apply this plan, run the same command with:  --apply "
              << plan.digest << "\n";
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
  print_plan(plan, options);
  std::cerr << "bemi: wrote " << options.script_file << "\n";
  return plan.conflict_count == 0;
}

base::Result<bool> apply(const revert::Ends& ends, const revert::Request& request,
                         const RevertOptions& options) {
  host::announce("revert", ends.source);
  TRY_ASSIGN(revert::Outcome done, revert::apply(ends, request, options.digest));
  if (options.format == "json") {
    auto json = nlohmann::ordered_json::parse(revert::to_json(done.plan));
    json["applied"] = done.transaction_id != 0;
    json["transaction_id"] = done.transaction_id;
    std::cout << json.dump() << "\n";
  } else {
    print_plan(done.plan, options);
    if (done.transaction_id == 0) {
      print_nothing(options);
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
  if (options.apply->count() > 0) return apply(ends, request, options);
  if (!options.script_file.empty()) return write_script(ends, request, options);
  TRY_ASSIGN(revert::Plan plan, revert::plan(ends, request));
  print_plan(plan, options);
  advise(options, plan);
  return plan.applicable && plan.conflict_count == 0;
}

base::Status check_reached(const revert::Ends& ends, const query::ChangeFilter& filter) {
  return revert::check_reached(ends.destination, ends.source_name, filter);
}

base::Result<bool> revert_command(const host::Config& config, const RevertOptions& options,
                                  const base::Interrupt& stop) {
  TRY_ASSIGN(revert::Request request, request_of(options));
  TRY_ASSIGN(auto ends, host::RevertEnds::open(config, options.timeout_s, stop));
  TRY(query::fix_times(ends->ends().destination, request.filter));
  TRY(ask_waiting(config, options.wait,
                  [&] { return check_reached(ends->ends(), request.filter); }));
  return revert(ends->ends(), request, options);
}

// Undoes the last revert, or that of --transaction.
base::Result<bool> redo_command(const host::Config& config, RevertOptions options,
                                const base::Interrupt& stop) {
  options.is_redo = true;
  TRY_ASSIGN(auto ends, host::RevertEnds::open(config, options.timeout_s, stop));
  if (options.filter.transaction == 0) {
    TRY(ends->ends().catch_up());
    TRY_ASSIGN(options.filter.transaction, revert::last_revert(ends->ends()));
  }
  TRY_ASSIGN(revert::Request request, request_of(options));
  return revert(ends->ends(), request, options);
}

void add_policy_options(CLI::App& command, host::Config& config, RevertOptions& options) {
  options.apply = command
                      .add_option("--apply", options.digest,
                                  "Execute the plan; with a digest, only if the plan still has it")
                      ->type_name("DIGEST")
                      ->expected(0, 1);
  command
      .add_option("--sql", options.script_file,
                  "Write an SQL script that does the same to this file; - is stdout")
      ->type_name("FILE");
  command
      .add_option("--on-conflict", options.on_conflict,
                  "When a row was changed later, fail: do nothing; skip: leave such rows and those "
                  "that depend on them; force: write the old values anyway")
      ->check(CLI::IsMember({"fail", "skip", "force"}))
      ->capture_default_str();
  command.add_flag("--cascade", options.cascade,
                   "Also undo later changes that depend on the selected ones");
  command.add_option("--max-rows", options.rows_max, "Refuse a plan with more than N rows")
      ->check(whole_number())
      ->capture_default_str();
  command.add_flag("--no-triggers", options.no_triggers,
                   "Fire none of the tables' own triggers; needs the tables' owner");
  command.add_option("--actor", options.actor,
                     "The person who undoes, for the history [default: $USER]");
  command.add_option("--reason", options.reason, "The reason, for the history");
  command
      .add_option("--timeout", options.timeout_s,
                  "The seconds to wait for the history; 0 waits for ever")
      ->capture_default_str();
  command.add_option("--format", options.format, "The output: table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  add_connection_options(command, config);
  add_revert_url_option(command, config, revert_url_about);
}

}  // namespace

void add_revert(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<RevertOptions>();
  CLI::App& command = verbs.add(
      verbs.app(), "revert", "Undo changes: print the plan, or execute it with --apply",
      [&config, options] { return revert_command(config, *options, host::asked_to_stop()); });
  add_filter_options(command, options->filter, "CREATE, UPDATE, DELETE or TRUNCATE");
  command.add_option("--trace", options->trace, "The trace id in the context")->type_name("ID");
  command.add_option("--change", options->changes, "The id of a single change")->type_name("ID");
  add_wait(command, options->wait,
           "Wait this long, such as 30s, until the history has reached --since and --until");
  add_policy_options(command, config, *options);
}

void add_redo(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<RevertOptions>();
  CLI::App& command = verbs.add(
      verbs.app(), "redo",
      "Redo what the last revert undid: print the plan, or execute it with --apply",
      [&config, options] { return redo_command(config, *options, host::asked_to_stop()); });
  command
      .add_option("--transaction", options->filter.transaction,
                  "The id of the revert's own transaction [default: the last revert]")
      ->type_name("ID");
  add_policy_options(command, config, *options);
}

}  // namespace bemi::cli
