// SPDX-License-Identifier: LGPL-3.0-or-later
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>

#include "base/line_buffer.hpp"
#include "cli/options.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/captured.hpp"
#include "host/stop.hpp"
#include "mcp/server.hpp"

namespace bemi::cli {
namespace {

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
  if (!done) return mcp::refused(done.error());
  std::string text = done->out;
  if (!done->error.empty()) text += (text.empty() ? "" : "\n") + done->error;
  if (text.empty()) text = "nothing matches";
  // 1 with an answer is a plan that cannot be applied, or a source that needs care.
  return {.is_error = done->exit_code != 0 && done->out.empty(), .text = text};
}

// False: the input has ended, or we are asked to stop.
bool wait_and_fill(base::LineBuffer& lines, const base::Interrupt& stop) {
  std::array<pollfd, 2> ends{{{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                              {.fd = stop.fd(), .events = POLLIN, .revents = 0}}};
  if (poll(ends.data(), ends.size(), -1) < 0) return errno == EINTR;
  return ends[1].revents == 0 && lines.fill(STDIN_FILENO);
}

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
  // A longer line is cut here, and refused by the server as too long.
  base::LineBuffer lines(mcp::line_bytes_max + 1);
  do {
    while (auto line = lines.next()) {
      if (auto answer = server.answer(*line)) std::cout << *answer << "\n" << std::flush;
    }
  } while (wait_and_fill(lines, stop));
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
