// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/toml_config.hpp"

#include <filesystem>
#include <sstream>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

namespace cli {
namespace {

using base::ErrorKind;

std::string text_of(const toml::node& node) {
  if (auto text = node.value<std::string>()) return *text;
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  return out.str();
}

std::vector<std::string> texts_of(const toml::node& node) {
  std::vector<std::string> texts;
  if (const toml::array* array = node.as_array()) {
    for (const toml::node& element : *array) texts.push_back(text_of(element));
  } else {
    texts.push_back(text_of(node));
  }
  return texts;
}

bool known_anywhere(const CLI::App& program, const std::string& key) {
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    if (find_option(const_cast<CLI::App&>(*command), key) != nullptr) return true;
  }
  return false;
}

base::Result<toml::table> parse(const std::string& path) {
  try {
    return toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream what;
    what << path << ", line " << error.source().begin.line << ": " << error.description();
    return base::fail(ErrorKind::usage, what.str(), "the file is TOML: key = \"value\"");
  }
}

}  // namespace

CLI::Option* find_option(CLI::App& command, const std::string& key) {
  std::string flag = "--" + key;
  if (CLI::Option* option = command.get_option_no_throw(flag)) return option;
  // Groups are nameless subcommands of their own.
  for (CLI::App* group :
       command.get_subcommands([](CLI::App* app) { return app->get_name().empty(); })) {
    if (CLI::Option* option = group->get_option_no_throw(flag)) return option;
  }
  return nullptr;
}

base::Status apply_toml(CLI::App& command, const CLI::App& known, const std::string& path) {
  std::string file = path.empty() ? "bemi.toml" : path;
  if (path.empty() && !std::filesystem::exists(file)) return {};
  TRY_ASSIGN(toml::table table, parse(file));
  for (const auto& [key, node] : table) {
    std::string name(key.str());
    CLI::Option* option = find_option(command, name);
    if (option == nullptr && !known_anywhere(known, name)) {
      return base::fail(ErrorKind::usage, file + ": unknown key " + name,
                        "the keys are the flags of bemi run without the dashes");
    }
    if (option == nullptr || option->count() > 0) continue;
    try {
      for (const std::string& text : texts_of(node)) option->add_result(text);
      option->run_callback();
    } catch (const CLI::Error& error) {
      return base::fail(ErrorKind::usage, file + ": " + name + ": " + error.what());
    }
  }
  return {};
}

}  // namespace cli
