// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mcp/server.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "mcp/tools.hpp"

namespace bemi::mcp {
namespace {

using Json = nlohmann::ordered_json;

constexpr base::JsonBounds bounds{.bytes_max = line_bytes_max, .depth_max = 32};
// The newest first: what is answered to a client of a revision that is not known.
constexpr std::array<std::string_view, 3> revisions{"2025-06-18", "2025-03-26", "2024-11-05"};

constexpr const char* instructions =
    "Bemi keeps every change of a PostgreSQL database with its context: who, where and how. Begin "
    "with count_changes by table to see the tables, or find_changes. Times without a zone are UTC.";

// JSON-RPC 2.0, section 5.1
enum Code : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
};

Json refusal(Code code, const std::string& message) {
  return {{"error", {{"code", code}, {"message", message}}}};
}

std::string line_of(const Json& id, const Json& outcome) {
  Json line{{"jsonrpc", "2.0"}, {"id", id}};
  line.update(outcome);
  return line.dump(-1, ' ', /*ensure_ascii=*/false, nlohmann::json::error_handler_t::replace);
}

std::string member(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string revision_for(const std::string& wanted) {
  bool is_known = std::ranges::find(revisions, wanted) != revisions.end();
  return is_known ? wanted : std::string(revisions.front());
}

Json content_of(const Answer& answer) {
  return {{"content", Json::array({{{"type", "text"}, {"text", answer.text}}})},
          {"isError", answer.is_error}};
}

}  // namespace

Answer refused(const base::Error& error) {
  return {.is_error = true,
          .text = error.message + (error.hint.empty() ? "" : "\nhint: " + error.hint)};
}

Json Server::called(const Json& params) {
  std::string name = member(params, "name");
  if (name.empty()) return refusal(invalid_params, "the call names no tool");
  Json arguments = params.contains("arguments") ? params["arguments"] : Json::object();
  auto words = command_of(name, arguments, may_undo_);
  if (words) return {{"result", content_of(run_(*words))}};
  // Not an error of the protocol, after which it would not try again.
  return {{"result", content_of(refused(words.error()))}};
}

Json Server::result_of(const std::string& method, const Json& params) {
  if (method == "initialize") {
    return {{"result",
             {{"protocolVersion", revision_for(member(params, "protocolVersion"))},
              {"capabilities", {{"tools", Json::object()}}},
              {"serverInfo", {{"name", "bemi"}, {"title", "Bemi"}, {"version", version_}}},
              {"instructions", instructions}}}};
  }
  if (method == "ping") return {{"result", Json::object()}};
  if (method == "tools/list") return {{"result", {{"tools", described_tools(may_undo_)}}}};
  if (method == "tools/call") return called(params);
  return refusal(method_not_found, "there is no method " + method);
}

std::optional<std::string> Server::answer(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) return std::nullopt;
  if (auto good = base::check_json(line, bounds); !good)
    return line_of(nullptr, refusal(parse_error, good.error().message));
  Json message = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  std::string method = member(message, "method");
  if (!message.is_object() || method.empty()) {
    // An answer of the client's: nothing was asked of it.
    if (message.is_object() && message.contains("id") && message.contains("result"))
      return std::nullopt;
    return line_of(nullptr, refusal(invalid_request, "no request of JSON-RPC 2.0"));
  }
  auto id = message.find("id");
  if (id == message.end()) return std::nullopt;  // a notification
  if (!id->is_string() && !id->is_number_integer())
    return line_of(nullptr, refusal(invalid_request, "the id is no text and no whole number"));
  auto params = message.find("params");
  return line_of(*id, result_of(method, params == message.end() ? Json::object() : *params));
}

}  // namespace bemi::mcp
