// SPDX-License-Identifier: LGPL-3.0-or-later
// What a supervisor believes of its worker. A script stands for the worker: it says what it likes.
#include "supervise/worker_process.hpp"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace bemi::supervise {
namespace {

class Script {
 public:
  // `says` runs once; then the worker lives until it is told to end.
  explicit Script(const std::string& says) {
    std::string pattern = (std::filesystem::temp_directory_path() / "worker-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(path()) << "#!/bin/sh\ntrap 'exit 0' TERM\n"
                          << says << "\nwhile true; do sleep 0.05; done\n";
    chmod(path().c_str(), 0700);
  }
  ~Script() { std::filesystem::remove_all(folder_); }
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  [[nodiscard]] std::string path() const { return folder_ + "/worker"; }

 private:
  std::string folder_;
};

// The state as soon as `is_there`, or after ten seconds.
WorkerState state_of(WorkerProcess& worker,
                     const std::function<bool(const WorkerState&)>& is_there) {
  for (int step = 0; step < 1000 && !is_there(worker.state()); ++step)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return worker.state();
}

WorkerState told_by(const std::string& says,
                    const std::function<bool(const WorkerState&)>& is_there) {
  Script script(says);
  WorkerProcess worker(script.path(), "", {.name = "shop"});
  return state_of(worker, is_there);
}

bool is_failing(const WorkerState& state) { return state.state == "failing"; }

TEST(WorkerProcess, ALineOfTheLogIsNoState) {
  WorkerState state = told_by(
      "echo 'tracking the new table public.streaming x from now on'\n"
      "echo 'streaming shop from 0/1' >&2\n"
      "echo 'bemi: nothing is wrong' >&2\n"
      "echo '{\"state\":\"streaming\"}'",
      [](const WorkerState& now) { return now.lines.size() == 4; });
  EXPECT_EQ(state.state, "starting");
  EXPECT_EQ(state.last_error, "");
  EXPECT_EQ(state.lines.size(), 4);
}

TEST(WorkerProcess, AReportIsAState) {
  WorkerState first = told_by(R"(echo '{"state":"streaming"}' >&3)",
                              [](const WorkerState& now) { return now.state == "running"; });
  EXPECT_EQ(first.state, "running");
  WorkerState state = told_by(
      R"(echo '{"state":"streaming"}' >&3
         echo 'nonsense' >&3
         echo '{"state":"retrying","error":"the server is away","hint":"start it"}' >&3)",
      is_failing);
  EXPECT_EQ(state.state, "failing");
  EXPECT_EQ(state.last_error, "the server is away (hint: start it)");
}

// An error may quote a long value: the worker still counts as failing.
TEST(WorkerProcess, ALongReportIsReadWhole) {
  WorkerState state = told_by(
      "echo '{\"state\":\"streaming\"}' >&3\n"
      "long=$(head -c 20000 /dev/zero | tr '\\0' x)\n"
      "echo \"{\\\"state\\\":\\\"retrying\\\",\\\"error\\\":\\\"$long\\\"}\" >&3",
      is_failing);
  EXPECT_EQ(state.state, "failing");
  EXPECT_EQ(state.last_error, std::string(20000, 'x'));
}

TEST(WorkerProcess, SaysHowItEnded) {
  Script script("exit 7");
  WorkerProcess worker(script.path(), "", {.name = "shop"});
  WorkerState state =
      state_of(worker, [](const WorkerState& now) { return !now.last_error.empty(); });
  EXPECT_EQ(state.state, "failing");
  EXPECT_EQ(state.last_error, "ended with exit code 7");
}

}  // namespace
}  // namespace bemi::supervise
