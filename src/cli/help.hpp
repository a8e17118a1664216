// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The text of --help, in 80 columns, and the same facts as data for the reference.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace bemi::cli {

// An option as a reader needs to know it.
struct OptionFacts {
  std::string name;    // "-h, --help", "TABLE"
  std::string value;   // "URL", "full|keep"; empty for a flag that takes none
  std::string limits;  // "1 to 16"; empty for none
  std::string standard;
  std::string variable;
  std::string text;
  bool is_argument = false;
  bool is_list = false;
  bool is_required = false;
};

// The options of a command or a group, without those that are for programs only.
std::vector<const CLI::Option*> shown_options(const CLI::App& app);

OptionFacts facts_of(const CLI::Option& option);

// The text in lines of at most `width` columns, each indented.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t width = 80);

// CLI11's own lets a description run on for hundreds of columns.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

}  // namespace bemi::cli
