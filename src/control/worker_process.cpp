// SPDX-License-Identifier: LGPL-3.0-or-later
#include "control/worker_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/log.hpp"

extern char** environ;

namespace control {
namespace {

constexpr std::size_t lines_kept = 100;
constexpr std::size_t line_bytes_max = 2000;
constexpr std::chrono::seconds first_pause{1};
constexpr std::chrono::seconds longest_pause{60};
// A worker stores what it has when it is told to end; one that hangs is killed.
constexpr std::chrono::seconds end_within{30};
// What it says once all is well.
constexpr const char* ready_word = "streaming ";
constexpr const char* error_word = "bemi: ";

void add_list(std::vector<std::string>& words, const char* flag,
              const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    words.emplace_back(flag);
    words.push_back(value);
  }
}

// Nothing secret: who else is on this machine can read it.
std::vector<std::string> words_of(const std::string& program, const Source& source) {
  std::vector<std::string> words{program, "run", "--config", "/dev/null", "--name", source.name};
  add_list(words, "--include", source.options.include);
  add_list(words, "--exclude", source.options.exclude);
  add_list(words, "--ignore-column", source.options.ignore_columns);
  add_list(words, "--redact-column", source.options.redact_columns);
  add_list(words, "--replica-identity", {source.options.replica_identity});
  add_list(words, "--snapshot", {source.options.snapshot});
  add_list(words, "--retention", source.options.retention);
  return words;
}

// Ours without what is meant for us: our settings, our token, our key.
std::vector<std::string> environment_of(const Source& source, const std::string& destination) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("BEMI_")) variables.emplace_back(*variable);
  }
  variables.push_back("BEMI_SOURCE_URL=" + source.url);
  variables.push_back("BEMI_DESTINATION_URL=" +
                      (source.destination_url.empty() ? destination : source.destination_url));
  return variables;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> found;
  found.reserve(texts.size() + 1);
  for (std::string& text : texts) found.push_back(text.data());
  found.push_back(nullptr);
  return found;
}

// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(char* const* words, char* const* variables, int log) {
  setsid();
  // Should we be killed, it must not stay behind: nobody would watch it.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  dup2(log, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) dup2(null, STDIN_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);  // our sockets are not its
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(words[0], words, variables);
  _exit(127);  // lint-ok: a child that could not begin has nobody to return to
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
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) {
    note_line(std::string(error_word) + "cannot start: " + std::strerror(errno));
    return;
  }
  std::vector<std::string> words = words_of(program_, source_);
  std::vector<std::string> variables = environment_of(source_, destination_url_);
  std::vector<char*> argv = pointers(words);
  std::vector<char*> envp = pointers(variables);
  pid_t pid = 0;
  {
    std::scoped_lock lock(mutex_);
    if (stop.stop_requested()) {
      close(ends[0]);
      close(ends[1]);
      return;
    }
    pid = fork();
    if (pid == 0) become(argv.data(), envp.data(), ends[1]);
    state_.pid = std::max(pid, 0);
    state_.starts += 1;
    state_.state = "starting";
    was_ready_ = false;
  }
  close(ends[1]);
  if (pid > 0) read_lines(ends[0]);
  close(ends[0]);
  if (pid <= 0) return;
  siginfo_t ended{};
  while (waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  std::scoped_lock lock(mutex_);
  int status = 0;
  waitpid(pid, &status, 0);
  state_.pid = 0;
  ended_.notify_all();
  note_end(status, stop.stop_requested());
}

void WorkerProcess::read_lines(int descriptor) {
  std::string rest;
  std::array<char, 4096> piece{};
  while (true) {
    ssize_t size = read(descriptor, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    rest.append(piece.data(), static_cast<std::size_t>(size));
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      std::scoped_lock lock(mutex_);
      note_line(rest.substr(0, std::min(end, line_bytes_max)));
      rest.erase(0, end + 1);
    }
    if (rest.size() > line_bytes_max) rest.resize(line_bytes_max);
  }
}

void WorkerProcess::note_line(const std::string& line) {
  base::log::info("[{}] {}", source_.name, line);
  state_.lines.push_back(line);
  if (state_.lines.size() > lines_kept) state_.lines.pop_front();
  if (line.starts_with(error_word)) state_.last_error = line.substr(std::strlen(error_word));
  if (line.starts_with("hint: ") && !state_.last_error.empty()) {
    state_.last_error += " (" + line + ")";
  }
  if (line.contains(ready_word)) {
    state_.state = "running";
    state_.last_error.clear();
  }
}

void WorkerProcess::note_end(int status, bool was_stopped) {
  state_.state = was_stopped ? "stopped" : "failing";
  if (was_stopped || !state_.last_error.empty()) return;
  state_.last_error = WIFSIGNALED(status)
                          ? "ended by signal " + std::to_string(WTERMSIG(status))
                          : "ended with exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace control
