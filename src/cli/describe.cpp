// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/describe.hpp"

#include <nlohmann/json.hpp>

#include "cli/help.hpp"
#include "serve/metrics.hpp"
#include "serve/problem.hpp"
#include "worker/error_policy.hpp"

namespace bemi::cli {
namespace {

using Json = nlohmann::ordered_json;

Json option_json(const CLI::Option& option, const std::string& group) {
  OptionFacts facts = facts_of(option);
  return {{"name", facts.name},
          {"value", facts.value},
          {"limits", facts.limits},
          {"default", facts.standard},
          {"variable", facts.variable},
          {"text", facts.text},
          {"group", group},
          {"argument", facts.is_argument},
          {"list", facts.is_list},
          {"required", facts.is_required}};
}

void add_options(const CLI::App& app, const std::string& group, Json& options) {
  for (const CLI::Option* option : shown_options(app)) {
    options.push_back(option_json(*option, group));
  }
  for (const CLI::App* inner : app.get_subcommands({})) {
    if (inner->get_name().empty()) add_options(*inner, inner->get_group(), options);
  }
}

void add_commands(const CLI::App& app, const std::string& path, Json& commands) {
  for (const CLI::App* command : app.get_subcommands({})) {
    if (command->get_name().empty()) continue;
    std::string name = path + command->get_name();
    Json options = Json::array();
    add_options(*command, "", options);
    commands.push_back(
        {{"name", name}, {"text", command->get_description()}, {"options", options}});
    add_commands(*command, name + " ", commands);
  }
}

std::string_view name(worker::Reaction reaction) {
  switch (reaction) {
    case worker::Reaction::retry: return "retry";
    case worker::Reaction::careful: return "careful";
    case worker::Reaction::stop: return "stop";
  }
  return "";
}

// Kinds are numbered from 0 on without a hole.
Json error_kinds() {
  Json kinds = Json::array();
  for (int number = 0;; ++number) {
    auto kind = static_cast<base::ErrorKind>(number);
    if (base::name(kind) == "unknown") return kinds;
    base::Error error{.kind = kind, .message = "", .hint = "", .sqlstate = "", .lsn = ""};
    kinds.push_back({{"kind", base::name(kind)},
                     {"exit_code", exit_code_of(kind)},
                     {"status", serve::problem(error).status},
                     {"worker", name(worker::reaction_to(error))}});
  }
}

Json metrics() {
  Json all = Json::array();
  for (const serve::MetricDescription& metric : serve::metric_descriptions()) {
    all.push_back({{"name", metric.name},
                   {"type", metric.type},
                   {"labels", metric.labels},
                   {"help", metric.help}});
  }
  return all;
}

}  // namespace

int exit_code_of(base::ErrorKind kind) { return kind == base::ErrorKind::usage ? 2 : 1; }

std::string described(const CLI::App& program) {
  Json commands = Json::array();
  add_commands(program, "", commands);
  return Json{{"commands", commands}, {"errors", error_kinds()}, {"metrics", metrics()}}.dump(1) +
         "\n";
}

}  // namespace bemi::cli
