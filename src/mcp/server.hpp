// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Server: the Model Context Protocol over lines of JSON-RPC 2.0 (modelcontextprotocol.io, revisions
// 2024-11-05 to 2025-06-18), by which an assistant asks for the history. It knows no transport and
// no database: a line comes in, at most one goes out.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.hpp"

namespace bemi::mcp {

// What a tool's command said, for the assistant to read.
struct Answer {
  bool is_error = false;
  std::string text;
};

// An error with its hint, so that an assistant may try again.
Answer refused(const base::Error& error);

// The longest message that is read.
inline constexpr std::size_t line_bytes_max = 1UL << 20;

// Runs a command of this program: the words behind its name.
using Run = std::function<Answer(const std::vector<std::string>& words)>;

class Server {
 public:
  Server(std::string version, bool may_undo, Run run)
      : version_(std::move(version)), may_undo_(may_undo), run_(std::move(run)) {}

  // `line`: one message, without its end. The line to send back, without its end; nullopt when the
  // message wants none.
  std::optional<std::string> answer(std::string_view line);

 private:
  nlohmann::ordered_json result_of(const std::string& method, const nlohmann::ordered_json& params);
  nlohmann::ordered_json called(const nlohmann::ordered_json& params);

  std::string version_;
  bool may_undo_;
  Run run_;
};

}  // namespace bemi::mcp
