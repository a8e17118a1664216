// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mcp/server.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace bemi::mcp {
namespace {

using Json = nlohmann::ordered_json;

class ServerTest : public testing::Test {
 protected:
  Json ask(const std::string& line) {
    auto answer = server_.answer(line);
    EXPECT_TRUE(answer) << line;
    return Json::parse(answer.value_or("null"));
  }

  std::vector<std::string> ran_;
  Answer said_{.is_error = false, .text = "{\"id\": 1}\n"};
  Server server_{"1.2.3", /*may_undo=*/false, [this](const std::vector<std::string>& words) {
                   ran_ = words;
                   return said_;
                 }};
};

TEST_F(ServerTest, SpeaksTheRevisionOfTheClient) {
  for (const char* revision : {"2024-11-05", "2025-03-26", "2025-06-18"}) {
    Json answer = ask(R"({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params":
        {"protocolVersion": ")" +
                      std::string(revision) + R"("}})");
    EXPECT_EQ(answer["result"]["protocolVersion"], revision);
    EXPECT_EQ(answer["result"]["serverInfo"]["version"], "1.2.3");
    EXPECT_TRUE(answer["result"]["capabilities"].contains("tools"));
  }
  Json answer = ask(R"({"jsonrpc": "2.0", "id": "x", "method": "initialize",
                        "params": {"protocolVersion": "1999-01-01"}})");
  EXPECT_EQ(answer["id"], "x");
  EXPECT_EQ(answer["result"]["protocolVersion"], "2025-06-18");
}

TEST_F(ServerTest, AnswersACallWithWhatTheCommandSaid) {
  Json answer = ask(R"({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params":
                        {"name": "record_history", "arguments": {"table": "t", "primary_key": 7}}})");
  EXPECT_EQ(ran_, (std::vector<std::string>{"history", "--format", "json", "--", "t", "7"}));
  EXPECT_EQ(answer, Json::parse(R"({"jsonrpc": "2.0", "id": 3, "result": {"content":
                        [{"type": "text", "text": "{\"id\": 1}\n"}], "isError": false}})"));
  said_ = {.is_error = true, .text = "there is no history of \xff"};
  answer = ask(R"({"jsonrpc": "2.0", "id": 4, "method": "tools/call",
                   "params": {"name": "source_status"}})");
  EXPECT_EQ(answer["result"]["isError"], true);
  EXPECT_EQ(answer["result"]["content"][0]["text"], "there is no history of \xef\xbf\xbd");
}

// The assistant can mend its call, and is told how.
TEST_F(ServerTest, AWrongCallIsAnAnswerToTheAssistant) {
  Json answer = ask(R"({"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params":
                        {"name": "find_changes", "arguments": {"tabel": "t"}}})");
  EXPECT_EQ(answer["result"]["isError"], true);
  EXPECT_EQ(answer["result"]["content"][0]["text"],
            "find_changes has no argument tabel\nhint: see the tool's input schema");
  EXPECT_TRUE(ran_.empty());
}

TEST_F(ServerTest, ANotificationAndAnAnswerWantNone) {
  for (const char* line :
       {R"({"jsonrpc": "2.0", "method": "notifications/initialized"})",
        R"({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})",
        R"({"jsonrpc": "2.0", "id": 1, "result": {}})", "", "   "}) {
    EXPECT_EQ(server_.answer(line), std::nullopt) << line;
  }
}

TEST_F(ServerTest, WhatIsNoRequestGetsAnErrorOfJsonRpc) {
  auto code = [this](const std::string& line) { return ask(line)["error"]["code"].get<int>(); };
  EXPECT_EQ(code("nonsense"), -32700);
  EXPECT_EQ(code("{\"a\": \"" + std::string(2 << 20, 'x') + "\"}"), -32700);
  EXPECT_EQ(code(std::string(1000, '[')), -32700);
  EXPECT_EQ(code("[]"), -32600);
  EXPECT_EQ(code("1"), -32600);
  EXPECT_EQ(code(R"({"id": 1})"), -32600);
  EXPECT_EQ(code(R"({"id": null, "method": "ping"})"), -32600);
  EXPECT_EQ(code(R"({"id": 1, "method": "resources/list"})"), -32601);
  EXPECT_EQ(code(R"({"id": 1, "method": "tools/call", "params": []})"), -32602);
  EXPECT_EQ(code(R"({"id": 1, "method": "tools/call"})"), -32602);
  EXPECT_EQ(ask(R"({"id": 1, "method": "ping"})")["result"], Json::object());
  EXPECT_EQ(ask(R"({"id": 1, "method": "tools/list"})")["result"]["tools"].size(), 9U);
}

}  // namespace
}  // namespace bemi::mcp
