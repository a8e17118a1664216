// SPDX-License-Identifier: LGPL-3.0-or-later
#include "supervise/worker_process.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/line_buffer.hpp"
#include "base/log.hpp"
#include "base/process.hpp"

extern char** environ;

namespace bemi::supervise {
namespace {

constexpr std::size_t lines_kept = 100;
constexpr std::size_t log_line_bytes_max = 2000;
// A report is read whole or not at all: the worker bounds what it says.
constexpr std::size_t report_bytes_max = 64UL << 10;
constexpr std::chrono::seconds first_pause{1};
constexpr std::chrono::seconds longest_pause{60};
// A worker stores what it has when it is told to end; one that hangs is killed.
constexpr std::chrono::seconds end_within{30};
// The descriptor to which the worker reports its state.
constexpr int status_descriptor = 3;

// Nothing secret: who else is on this machine can read it.
std::vector<std::string> words_of(const std::string& program, const Source& source) {
  std::vector<std::string> words{program, "run", "--config", "/dev/null", "--name", source.name};
  std::ranges::move(change::arguments_of(source.tracking), std::back_inserter(words));
  words.emplace_back("--status-fd");
  words.push_back(std::to_string(status_descriptor));
  return words;
}

// What is for every source.
constexpr std::string_view shared_variable = "BEMI_CONTEXT_KEY=";

// Ours without what is meant for us: our settings, our token, our key.
std::vector<std::string> environment_of(const Source& source, const std::string& destination) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    std::string_view text(*variable);
    if (!text.starts_with("BEMI_") || text.starts_with(shared_variable))
      variables.emplace_back(text);
  }
  variables.push_back("BEMI_SOURCE_URL=" + source.url);
  variables.push_back("BEMI_DESTINATION_URL=" +
                      (source.destination_url.empty() ? destination : source.destination_url));
  return variables;
}

// Reads what has come, and takes a closed end out of the poll.
void fill(pollfd& end, base::LineBuffer& lines) {
  if (end.fd >= 0 && end.revents != 0 && !lines.fill(end.fd)) end.fd = -1;
}

void wait_or_stop(const std::stop_token& stop, std::chrono::seconds time) {
  std::mutex mutex;
  std::condition_variable_any ended;
  std::unique_lock lock(mutex);
  ended.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace

WorkerProcess::WorkerProcess(std::string program, std::string destination_url, Source source)
    : program_(std::move(program)),
      destination_url_(std::move(destination_url)),
      source_(std::move(source)),
      thread_([this](const std::stop_token& stop) { keep_running(stop); }) {}

WorkerProcess::~WorkerProcess() {
  stop();
  std::unique_lock lock(mutex_);
  bool has_ended = ended_.wait_for(lock, end_within, [this] { return state_.pid == 0; });
  if (!has_ended) kill(state_.pid, SIGKILL);
}

WorkerState WorkerProcess::state() {
  std::scoped_lock lock(mutex_);
  return state_;
}

void WorkerProcess::stop() {
  thread_.request_stop();
  // Not yet reaped under this lock: the number is still the child's.
  std::scoped_lock lock(mutex_);
  if (state_.pid != 0) kill(state_.pid, SIGTERM);
}

void WorkerProcess::keep_running(const std::stop_token& stop) {
  auto pause = first_pause;
  while (!stop.stop_requested()) {
    auto began = std::chrono::steady_clock::now();
    run_once(stop);
    bool was_long = std::chrono::steady_clock::now() - began > longest_pause;
    pause = was_long ? first_pause : std::min(pause * 2, longest_pause);
    if (!stop.stop_requested()) wait_or_stop(stop, pause);
  }
}

void WorkerProcess::run_once(const std::stop_token& stop) {
  auto log = base::Pipe::open();
  auto status = base::Pipe::open();
  if (!log || !status) {
    std::scoped_lock lock(mutex_);
    state_.last_error = log ? status.error().message : log.error().message;
    return;
  }
  pid_t pid = begin(stop, log->write_end.get(), status->write_end.get());
  log->write_end.close();
  status->write_end.close();
  if (pid <= 0) return;
  read_lines(log->read_end.get(), status->read_end.get());
  siginfo_t ended{};
  while (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  std::scoped_lock lock(mutex_);
  int code = 0;
  waitpid(pid, &code, 0);
  state_.pid = 0;
  ended_.notify_all();
  note_end(code, stop.stop_requested());
}

// 0: not wanted any more; -1: it could not be started.
pid_t WorkerProcess::begin(const std::stop_token& stop, int log, int status) {
  const std::vector<std::string> words = words_of(program_, source_);
  const std::vector<std::string> variables = environment_of(source_, destination_url_);
  std::scoped_lock lock(mutex_);
  if (stop.stop_requested()) return 0;
  // Should we be killed, it must not stay behind: nobody would watch it.
  auto started = base::spawn({.words = words,
                              .environment = variables,
                              .out = log,
                              .error = log,
                              .third = status,
                              .user = {}});
  pid_t pid = started.value_or(-1);
  if (!started) state_.last_error = started.error().message;
  state_.pid = std::max(pid, 0);
  state_.starts += 1;
  state_.state = started ? "starting" : "failing";
  return pid;
}

// Until both ends are closed: the worker has ended.
void WorkerProcess::read_lines(int log, int status) {
  base::LineBuffer log_lines(log_line_bytes_max);
  base::LineBuffer reports(report_bytes_max);
  std::array<pollfd, 2> ends{{{.fd = log, .events = POLLIN, .revents = 0},
                              {.fd = status, .events = POLLIN, .revents = 0}}};
  while (ends[0].fd >= 0 || ends[1].fd >= 0) {
    if (poll(ends.data(), ends.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    fill(ends[0], log_lines);
    fill(ends[1], reports);
    std::scoped_lock lock(mutex_);
    while (auto line = log_lines.next()) note_line(*line);
    while (auto line = reports.next()) note_report(*line);
  }
}

void WorkerProcess::note_line(const std::string& line) {
  base::log::info("[{}] {}", source_.name, line);
  state_.lines.push_back(line);
  if (state_.lines.size() > lines_kept) state_.lines.pop_front();
}

void WorkerProcess::note_report(const std::string& line) {
  auto report = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object()) return;
  auto text = [&](const char* name) {
    auto found = report.find(name);
    return found != report.end() && found->is_string() ? found->get<std::string>() : "";
  };
  std::string error = text("error");
  std::string hint = text("hint");
  state_.last_error = hint.empty() ? error : error + " (hint: " + hint + ")";
  std::string state = text("state");
  if (state == "streaming") state_.state = "running";
  if (state == "retrying") state_.state = "failing";
}

void WorkerProcess::note_end(int status, bool was_stopped) {
  state_.state = was_stopped ? "stopped" : "failing";
  if (was_stopped || !state_.last_error.empty()) return;
  state_.last_error = WIFSIGNALED(status)
                          ? "ended by signal " + std::to_string(WTERMSIG(status))
                          : "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace bemi::supervise
