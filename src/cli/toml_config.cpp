// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/toml_config.hpp"

#include <sstream>

#include <toml++/toml.h>

#include "host/own_files.hpp"

namespace bemi::cli {
namespace {

using base::ErrorKind;

constexpr const char* usual_file = "bemi.toml";

std::string text_of(const toml::node& node) {
  if (auto text = node.value<std::string>()) return *text;
  std::ostringstream out;
  node.visit([&](const auto& value) { out << value; });
  return out.str();
}

base::Result<std::vector<std::string>> texts_of(const std::string& where, const toml::node& node) {
  std::vector<std::string> texts;
  const toml::array* array = node.as_array();
  bool nested = node.is_table();
  if (array == nullptr) {
    texts.push_back(text_of(node));
  } else {
    for (const toml::node& element : *array) {
      nested = nested || element.is_table() || element.is_array();
      texts.push_back(text_of(element));
    }
  }
  if (!nested) return texts;
  return base::fail(ErrorKind::usage, where + " is a table, and must be a value",
                    "write key = \"value\", or key = [\"value\", \"value\"]");
}

base::Result<toml::table> parse(const std::string& path, const std::string& text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    std::ostringstream what;
    what << path << ", line " << error.source().begin.line << ": " << error.description();
    return base::fail(ErrorKind::usage, what.str(), "the file is TOML: key = \"value\"");
  }
}

}  // namespace

base::Result<TomlFile> read_toml(const std::string& path) {
  TomlFile read{.file = path.empty() ? usual_file : path, .entries = {}};
  TRY_ASSIGN(auto text, host::read_own_file(read.file));
  if (!text && path.empty()) return read;
  if (!text) return base::fail(ErrorKind::usage, "there is no file " + path, "see --config");
  TRY_ASSIGN(toml::table table, parse(read.file, *text));
  for (const auto& [key, node] : table) {
    std::string name(key.str());
    TRY_ASSIGN(read.entries[name], texts_of(read.file + ": " + name, node));
  }
  return read;
}

}  // namespace bemi::cli
