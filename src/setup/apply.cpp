// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Runs steps: each in its own transaction, with lock_timeout, again when a lock was not granted.
#include <chrono>
#include <random>

#include "setup/setup.hpp"

namespace bemi::setup {
namespace {

using namespace std::chrono_literals;

// While we wait for a lock, everybody else waits behind us: in short spells, with pauses between.
constexpr auto lock_timeout = 1s;
constexpr int tries = 3;
constexpr auto first_pause = 1000ms;

base::Status run_once(pg::Connection& admin, const Step& step) {
  TRY(admin.run(pg::begin_ddl(lock_timeout)));
  auto done = admin.run(step.sql);
  auto ended = admin.run(done ? "commit" : "rollback");
  if (!done) return std::unexpected(done.error());
  if (!ended) return std::unexpected(ended.error());
  return {};
}

bool passes_by_itself(base::ErrorKind kind) {
  return kind == base::ErrorKind::lock_timeout || kind == base::ErrorKind::serialization;
}

base::Status run_with_retries(pg::Connection& admin, const Step& step) {
  std::mt19937 engine{std::random_device{}()};
  std::uniform_int_distribution<int> jitter_ms(0, 100);
  auto pause = first_pause;
  for (int attempt = 1;; ++attempt) {
    base::Status done = run_once(admin, step);
    if (done || !passes_by_itself(done.error().kind) || attempt == tries) return done;
    base::pause(admin.interrupt(), pause + std::chrono::milliseconds(jitter_ms(engine)));
    pause *= 2;
  }
}

base::Error explained(const base::Error& error, const Step& step) {
  base::Error explained = error.within("cannot " + step.what);
  if (error.kind == base::ErrorKind::permission) {
    explained.hint = "the tables' owner or an administrator runs: " + step.sql +
                     ";  or give bemi such a role with BEMI_ADMIN_URL";
  } else if (error.kind == base::ErrorKind::lock_timeout) {
    explained.hint =
        "a long transaction holds a lock; try again when it has ended (select pid, xact_start, "
        "query from "
        "pg_stat_activity where xact_start < now() - interval '1 minute')";
  } else if (error.sqlstate == "55006") {
    explained.hint =
        "stop the program that uses it, then run this again: finished steps are not repeated";
  }
  return explained;
}

}  // namespace

base::Status apply(pg::Connection& admin, const std::vector<Step>& steps, const Report& report) {
  for (const Step& step : steps) {
    report(step.what);
    base::Status done = run_with_retries(admin, step);
    if (done) continue;
    if (!step.optional) return std::unexpected(explained(done.error(), step));
    report("warning: could not " + step.what + ": " + done.error().message);
  }
  return {};
}

}  // namespace bemi::setup
