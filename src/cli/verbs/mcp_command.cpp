// SPDX-License-Identifier: LGPL-3.0-or-later
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/captured.hpp"
#include "host/stop.hpp"
#include "mcp/server.hpp"

namespace bemi::cli {
namespace {

constexpr std::size_t line_bytes_max = 1UL << 20;
constexpr host::CaptureBounds answer_bounds{.bytes_max = 400'000,
                                            .time_max = std::chrono::seconds(60)};

struct McpOptions {
  bool may_undo = false;
};

// Addresses go by the environment, which no other user sees.
std::vector<std::string> environment_of(const host::Config& config) {
  std::vector<std::string> variables;
  for (const auto& [name, value] : {std::pair("BEMI_SOURCE_URL", &config.source_url),
                                    std::pair("BEMI_DESTINATION_URL", &config.destination_url),
                                    std::pair("BEMI_REVERT_URL", &config.revert_url)}) {
    variables.push_back(std::string(name) + "=" + *value);  // an empty one counts as not set
  }
  return variables;
}

// An answer for people and programs: what the command printed, then what it remarked.
mcp::Answer answer_of(const base::Result<host::Captured>& done) {
  if (!done) {
    const base::Error& error = done.error();
    return {.is_error = true,
            .text = error.message + (error.hint.empty() ? "" : "\nhint: " + error.hint)};
  }
  std::string text = done->out;
  if (!done->error.empty()) text += (text.empty() ? "" : "\n") + done->error;
  if (text.empty()) text = "nothing matches";
  // 1 with an answer is a plan that cannot be applied, or a source that needs care.
  return {.is_error = done->exit_code != 0 && done->out.empty(), .text = text};
}

// Standard input, line by line. A line beyond the bound is cut, and refused as such by who reads
// it.
class Lines {
 public:
  explicit Lines(const base::Interrupt& stop) : stop_(&stop) {}

  // nullopt: the end, or a stop.
  std::optional<std::string> next() {
    while (true) {
      std::size_t end = rest_.find('\n');
      if (end != std::string::npos) {
        std::string line = rest_.substr(0, end);
        rest_.erase(0, end + 1);
        return line;
      }
      if (rest_.size() > line_bytes_max) rest_.resize(line_bytes_max + 1);
      if (!fill()) return std::nullopt;
    }
  }

 private:
  bool fill() {
    std::array<pollfd, 2> ends{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                {.fd = stop_->fd(), .events = POLLIN, .revents = 0}}};
    if (poll(ends.data(), ends.size(), -1) < 0) return errno == EINTR;
    if (ends[1].revents != 0) return false;
    std::array<char, 65536> piece{};
    ssize_t size = read(STDIN_FILENO, piece.data(), piece.size());
    if (size < 0) return errno == EINTR;
    rest_.append(piece.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  const base::Interrupt* stop_;
  std::string rest_;
};

base::Status mcp_command(const host::Config& config, const McpOptions& options,
                         const std::string& config_file, const base::Interrupt& stop) {
  if (config.destination_url.empty()) TRY(host::require_source(config));
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  const std::vector<std::string> environment = environment_of(config);
  mcp::Server server(BEMI_VERSION, options.may_undo, [&](const std::vector<std::string>& asked) {
    std::vector<std::string> words{program, asked.front()};
    if (!config_file.empty()) words.insert(words.end(), {"--config", config_file});
    words.insert(words.end(), asked.begin() + 1, asked.end());
    return answer_of(host::capture(words, environment, answer_bounds, stop));
  });
  Lines lines(stop);
  while (auto line = lines.next()) {
    if (auto answer = server.answer(*line)) std::cout << *answer << "\n" << std::flush;
  }
  return {};
}

}  // namespace

void add_mcp(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<McpOptions>();
  CLI::App& command =
      verbs.add(verbs.app(), "mcp", "Answer an assistant's questions: MCP on standard input",
                [&verbs, &config, options] {
                  return mcp_command(config, *options, verbs.config_file(), host::asked_to_stop());
                });
  command.add_flag("--allow-undo", options->may_undo,
                   "Offer the tool that undoes changes; without it, nothing is written");
  add_connection_options(command, config);
  add_revert_url_option(command, config, revert_url_about);
}

}  // namespace bemi::cli
