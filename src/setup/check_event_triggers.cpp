// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/check_event_triggers.hpp"

#include <fmt/format.h>

#include "setup/sql.hpp"
#include "wal/event_triggers.hpp"

namespace bemi::setup {
namespace {

constexpr const char* triggers = "event triggers";

Finding finding(Severity severity, std::string what, std::string fix) {
  return {
      .severity = severity, .subject = triggers, .what = std::move(what), .fix = std::move(fix)};
}

base::Result<std::vector<Finding>> failures_of(pg::Connection& source) {
  TRY_ASSIGN(auto failures, wal::trigger_failures(source));
  std::vector<Finding> findings;
  for (const wal::TriggerFailure& failure : failures) {
    findings.push_back(finding(
        Severity::warning,
        fmt::format("could not tell of some DDL ({} times, last at {}): {}", failure.count,
                    failure.last_at, failure.message),
        "Bemi found the tables later, by comparing catalogs; after you have fixed the cause, run: "
        "delete from _bemi_source.trigger_failure;"));
  }
  return findings;
}

}  // namespace

base::Result<std::vector<Finding>> check_event_triggers(pg::Connection& source) {
  TRY_ASSIGN(pg::Rows state, source.run(sql::event_trigger_state));
  constexpr std::int64_t all = 3;
  if (state.integer(0, 0) > 0) {
    return std::vector<Finding>{finding(
        Severity::error,
        "they are those of an earlier Bemi, through which any role that may log in becomes a "
        "superuser",
        "an administrator runs: bemi init")};
  }
  if (state.integer(0, 3) > 0) {
    return std::vector<Finding>{
        finding(Severity::error,
                "the role " + state.text(0, 4) + " owns what they run, and is not their owner",
                "an administrator runs: bemi teardown, and then bemi init")};
  }
  if (state.integer(0, 1) == 0) {
    return std::vector<Finding>{
        finding(Severity::info,
                "there are none: Bemi finds new and altered tables later, by comparing catalogs",
                "a superuser runs: bemi init")};
  }
  TRY_ASSIGN(std::vector<Finding> findings, failures_of(source));
  if (state.integer(0, 1) < all || state.integer(0, 2) > 0) {
    findings.push_back(finding(Severity::warning, "some of them are missing or switched off",
                               "an administrator runs: bemi init"));
  }
  TRY_ASSIGN(bool may_look, wal::may_look(source));
  TRY_ASSIGN(pg::Rows recovery, source.run("select pg_is_in_recovery()"));
  if (!may_look && !recovery.truth(0, 0)) {
    findings.push_back(
        finding(Severity::warning,
                "the role " + source.user() +
                    " may not read what they sign with, and so believes nothing of it",
                "an administrator runs bemi init with BEMI_ADMIN_URL, and this role in --source"));
  }
  if (findings.empty()) findings.push_back(finding(Severity::ok, "they tell of every DDL", ""));
  return findings;
}

}  // namespace bemi::setup
