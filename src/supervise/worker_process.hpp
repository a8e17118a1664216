// SPDX-License-Identifier: LGPL-3.0-or-later
//
// WorkerProcess: one source's worker, `bemi run` as a child of ours, kept running: what ends is
// started again, later and later. Its addresses go by its environment, which no other user sees.
// A thread of its own lives as long as it does.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "supervise/registry.hpp"

namespace bemi::supervise {

struct WorkerState {
  std::string state;  // starting, running, failing, stopped
  pid_t pid = 0;
  int starts = 0;
  std::string last_error;         // what it said when it ended last
  std::deque<std::string> lines;  // the last of its log
};

class WorkerProcess {
 public:
  // `program`: this binary.
  WorkerProcess(std::string program, std::string destination_url, Source source);
  // Tells it to end, and waits until it has.
  ~WorkerProcess();
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  [[nodiscard]] int revision() const { return source_.revision; }
  WorkerState state();
  // Without waiting; the destructor waits.
  void stop();

 private:
  void keep_running(const std::stop_token& stop);
  void run_once(const std::stop_token& stop);
  pid_t begin(const std::stop_token& stop, int log, int status);
  void read_lines(int log, int status);
  void note_line(const std::string& line);
  void note_report(const std::string& line);
  void note_end(int status, bool was_stopped);

  std::string program_;
  std::string destination_url_;
  Source source_;
  std::mutex mutex_;
  std::condition_variable ended_;
  WorkerState state_;
  std::jthread thread_;
};

}  // namespace bemi::supervise
