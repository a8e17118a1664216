// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/settings.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <string_view>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/toml_config.hpp"
#include "pg/address.hpp"

namespace bemi::cli {
namespace {

using base::ErrorKind;

// Variables of the program that are not settings, and those of tests and measurements.
constexpr std::string_view other_variables[] = {"BEMI_SECRET_KEY", "BEMI_BINARY"};
constexpr std::string_view other_prefixes[] = {"BEMI_TEST_", "BEMI_KEEP_"};

constexpr const char* prefix = "BEMI_";

std::string long_name(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name() : option.get_lnames().front();
}

bool all_empty(const std::vector<std::string>& texts) {
  return std::ranges::all_of(texts, [](const std::string& text) { return text.empty(); });
}

// Variables that Kubernetes makes for a service named bemi, in every container beside it.
bool is_of_a_service(std::string_view name) {
  return name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT") ||
         name.ends_with("_PORT") || name.contains("_PORT_");
}

bool is_of_others(std::string_view name) {
  return is_of_a_service(name) ||
         std::ranges::find(other_variables, name) != std::end(other_variables) ||
         std::ranges::any_of(other_prefixes, [&](auto text) { return name.starts_with(text); });
}

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t k = 0; k < b.size(); ++k) {
      std::size_t replaced = diagonal + (a[i] == b[k] ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({replaced, row[k] + 1, diagonal + 1});
    }
  }
  return row.back();
}

// Case and the kind of dash are no difference, and many leave an ending away.
std::string plain(std::string_view word) {
  std::string text;
  for (unsigned char c : word) {
    text += c == '_' ? '-' : static_cast<char>(std::tolower(c));
  }
  return text;
}

std::string value_of(CLI::Option& option, const std::string& key) {
  std::string value;
  if (option.get_items_expected_max() == 0) {  // a flag keeps no default to ask for
    value = option.count() > 0 && option.as<bool>() ? "true" : "false";
  } else {
    option.capture_default_str();  // of the variable that the command reads
    value = option.get_default_str();
  }
  bool is_secret = key == "http-token" || key == "context-key";
  if (is_secret) return value.empty() || value == "[]" ? "" : "***";
  if (option.get_type_name() != "URL" || value.empty()) return value;
  auto address = pg::parse_address(value);
  return address ? pg::shown(*address) : "***";
}

const char* name(Origin origin) {
  switch (origin) {
    case Origin::flag: return "flag";
    case Origin::environment: return "environment";
    case Origin::file: return "file";
    case Origin::standard: return "default";
  }
  return "";
}

}  // namespace

std::optional<std::string> did_you_mean(const std::string& word,
                                        const std::set<std::string>& known) {
  std::string meant = plain(word);
  std::optional<std::string> nearest;
  std::size_t least = std::max<std::size_t>(2, meant.size() / 5) + 1;
  for (const std::string& one : known) {
    std::string candidate = plain(one);
    std::size_t far =
        candidate == meant + "-url" || meant == candidate + "-url" ? 0 : distance(meant, candidate);
    if (far >= least || far >= candidate.size()) continue;
    least = far;
    nearest = one;
  }
  return nearest;
}

Settings::Settings(CLI::App& program) { take(program, program); }

// Also takes the conditions between options: they can only be checked when all sources have been
// read.
void Settings::take(CLI::App& app, const CLI::App& command) {
  for (CLI::Option* option : app.get_options([](CLI::Option*) { return true; })) {
    owners_[option] = &command;
    if (!option->get_envname().empty()) {
      settings_.push_back({.command = &command,
                           .option = option,
                           .key = long_name(*option),
                           .variable = option->get_envname()});
      option->envname("");
    }
    needs_[option] = option->get_needs();
    excludes_[option] = option->get_excludes();
    for (CLI::Option* needed : needs_[option]) option->remove_needs(needed);
    for (CLI::Option* excluded : excludes_[option]) option->remove_excludes(excluded);
  }
  // Groups are nameless commands of their own.
  for (CLI::App* inner : app.get_subcommands([](CLI::App*) { return true; })) {
    take(*inner, inner->get_name().empty() ? command : *inner);
  }
}

void Settings::show_variables() {
  for (const Setting& setting : settings_) setting.option->envname(setting.variable);
}

std::vector<Settings::Setting> Settings::of(const CLI::App& command) const {
  std::vector<Setting> found;
  std::ranges::copy_if(settings_, std::back_inserter(found),
                       [&](const Setting& setting) { return setting.command == &command; });
  return found;
}

std::set<std::string> Settings::keys() const {
  std::set<std::string> all;
  for (const Setting& setting : settings_) all.insert(setting.key);
  return all;
}

std::set<std::string> Settings::variables() const {
  std::set<std::string> all;
  for (const Setting& setting : settings_) all.insert(setting.variable);
  return all;
}

Origin Settings::origin(const CLI::Option* option) const {
  auto found = origins_.find(option);
  if (found != origins_.end()) return found->second;
  return option->count() > 0 ? Origin::flag : Origin::standard;
}

// True if an option of higher precedence excludes this one: a flag overrules a variable.
bool Settings::is_ruled_out(const CLI::Option* option, Origin here) const {
  return std::ranges::any_of(excludes_.at(option),
                             [&](const CLI::Option* other) { return origin(other) < here; });
}

base::Status Settings::check_variables() const {
  std::set<std::string> known = variables();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    std::string_view text(*entry);
    std::string variable(text.substr(0, text.find('=')));
    if (!variable.starts_with(prefix) || known.contains(variable) || is_of_others(variable))
      continue;
    if (auto meant = did_you_mean(variable, known)) {
      return base::fail(ErrorKind::usage, "the environment has " + variable + ", which is unknown",
                        "did you mean " + *meant + "? Else unset it");
    }
    std::cerr << "bemi: the environment has " << variable
              << ", which is unknown and not used\nhint: bemi COMMAND --help names those that "
                 "there are\n";
  }
  return {};
}

base::Status Settings::set(const Setting& setting, Origin origin,
                           const std::vector<std::string>& texts, const std::string& where) {
  if (this->origin(setting.option) != Origin::standard || is_ruled_out(setting.option, origin))
    return {};
  try {
    for (const std::string& text : texts) setting.option->add_result(text);
    if (!texts.empty()) setting.option->run_callback();
  } catch (const CLI::Error& error) {
    return base::fail(ErrorKind::usage, where + ": " + error.what(),
                      "--help says what --" + setting.key + " takes");
  }
  if (!texts.empty()) origins_[setting.option] = origin;
  return {};
}

base::Status Settings::read_environment(const std::vector<Setting>& settings) {
  for (const Setting& setting : settings) {
    const char* value = std::getenv(setting.variable.c_str());
    if (value == nullptr || *value == '\0') continue;
    TRY(set(setting, Origin::environment, {value}, setting.variable));
  }
  return {};
}

base::Status Settings::read_file(const std::vector<Setting>& settings, const std::string& file) {
  TRY_ASSIGN(auto table, read_toml(file));
  std::set<std::string> known = keys();
  for (const auto& [key, entry] : table.entries) {
    if (!known.contains(key)) {
      auto meant = did_you_mean(key, known);
      return base::fail(
          ErrorKind::usage, table.file + ": unknown key " + key,
          meant ? "did you mean " + *meant + "?"
                : "the keys are those flags of bemi run that --help names a variable for");
    }
    for (const Setting& setting : settings) {
      if (setting.key != key) continue;
      TRY(set(setting, Origin::file, entry, table.file + ": " + key));
    }
  }
  return {};
}

std::string Settings::said(const CLI::Option* option) const {
  auto setting = std::ranges::find(settings_, option, &Setting::option);
  if (setting != settings_.end() && origin(option) == Origin::environment) return setting->variable;
  return "--" + long_name(*option);
}

base::Status Settings::check_rules(const CLI::App& command) const {
  for (const auto& [option, owner] : owners_) {
    if (owner != &command || origin(option) == Origin::standard) continue;
    for (const CLI::Option* needed : needs_.at(option)) {
      if (origin(needed) != Origin::standard) continue;
      return base::fail(ErrorKind::usage, said(option) + " needs " + said(needed), "see --help");
    }
    for (const CLI::Option* other : excludes_.at(option)) {
      if (origin(other) == Origin::standard) continue;
      return base::fail(ErrorKind::usage, said(option) + " excludes " + said(other), "see --help");
    }
  }
  return {};
}

base::Status Settings::resolve(const CLI::App& command, const std::string& file) {
  TRY(check_variables());
  std::vector<Setting> own = of(command);
  for (const Setting& setting : own) {
    CLI::Option& option = *setting.option;
    if (option.count() == 0) continue;
    // A flag that may stand without a value says only that it is there.
    if (option.get_expected_min() == 0 && option.get_items_expected_max() > 0 &&
        all_empty(option.results())) {
      option.clear();
    } else {
      origins_[&option] = Origin::flag;
    }
  }
  TRY(read_environment(own));
  TRY(read_file(own, file));
  return check_rules(command);
}

std::string Settings::described(const CLI::App& command) const {
  std::string lines;
  for (const Setting& setting : of(command)) {
    nlohmann::ordered_json line{{"setting", setting.key},
                                {"variable", setting.variable},
                                {"value", value_of(*setting.option, setting.key)},
                                {"from", name(origin(setting.option))}};
    lines += line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }
  return lines;
}

}  // namespace bemi::cli
