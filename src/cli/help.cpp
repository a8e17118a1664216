// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/help.hpp"

#include <algorithm>
#include <sstream>

namespace bemi::cli {
namespace {

constexpr std::size_t text_indent = 6;

// CLI11 appends what validators say of themselves: "TEXT:{full,keep}", "N:INT in [1 - 16]".
struct Type {
  std::string name;
  std::string said;
};

Type type_of(const CLI::Option& option) {
  std::string text = option.get_type_name();
  std::size_t end = text.size();
  for (const char* begin : {":{", ":INT in", ":DIR", ":FILE", ":NONNEGATIVE", ":SIZE ["}) {
    end = std::min(end, text.find(begin));
  }
  return {.name = text.substr(0, end), .said = end < text.size() ? text.substr(end + 1) : ""};
}

std::string choices_in(std::string said) {
  if (!said.starts_with("{")) return "";
  said = said.substr(1, said.find('}') - 1);
  std::ranges::replace(said, ',', '|');
  return said;
}

std::string limits_in(const std::string& said) {
  std::size_t begin = said.find("[");
  if (!said.starts_with("INT in") || begin == std::string::npos) return "";
  std::string limits = said.substr(begin + 1, said.find(']') - begin - 1);
  std::size_t dash = limits.find(" - ");
  return dash == std::string::npos ? limits : limits.replace(dash, 3, " to ");
}

std::string name_of(const CLI::Option& option) {
  if (option.get_positional()) return option.get_name(true, false);
  std::string name;
  for (const std::string& one : option.get_snames()) name += "-" + one + ", ";
  for (const std::string& one : option.get_lnames()) name += "--" + one + ", ";
  return name.substr(0, name.size() - 2);
}

std::string option_text(const CLI::Option& option) {
  OptionFacts facts = facts_of(option);
  std::string line = "  " + facts.name;
  if (!facts.value.empty() && !facts.is_argument) line += " " + facts.value;
  if (facts.is_list) line += " ...";
  if (!facts.variable.empty()) line += " (Env:" + facts.variable + ")";
  std::string text = facts.text;
  if (facts.is_required && !facts.is_argument) text += " [required]";
  if (!facts.limits.empty()) text += " [" + facts.limits + "]";
  if (!facts.standard.empty()) text += " [default: " + facts.standard + "]";
  return line + "\n" + wrapped(text, text_indent);
}

std::string options_text(const CLI::App& app, bool arguments) {
  std::string text;
  for (const CLI::Option* option : shown_options(app)) {
    if (option->get_positional() == arguments) text += option_text(*option);
  }
  return text;
}

std::vector<const CLI::App*> inner(const CLI::App& app, bool groups) {
  std::vector<const CLI::App*> found = app.get_subcommands({});
  std::erase_if(found, [&](const CLI::App* one) { return one->get_name().empty() != groups; });
  return found;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string commands_text(const CLI::App& app) {
  std::vector<const CLI::App*> commands = inner(app, /*groups=*/false);
  if (commands.empty()) return "";
  std::size_t width = 0;
  for (const CLI::App* command : commands) width = std::max(width, command->get_name().size());
  std::string text = "\nSubcommands:\n";
  for (const CLI::App* command : commands) {
    std::string line = wrapped(first_line(command->get_description()), width + 4);
    text += line.replace(2, command->get_name().size(), command->get_name());
  }
  return text;
}

std::string usage(const CLI::App& app, const std::string& name) {
  std::string text = "Usage: " + name + " [OPTIONS]";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    std::string argument = option->get_name(true, false);
    text += option->get_required() ? " " + argument : " [" + argument + "]";
  }
  if (!inner(app, /*groups=*/false).empty()) text += " SUBCOMMAND";
  return text + "\n";
}

}  // namespace

// A group is a command without a name, with a --help of its own that is the command's.
std::vector<const CLI::Option*> shown_options(const CLI::App& app) {
  std::vector<const CLI::Option*> options = app.get_options();
  std::erase_if(options, [&](const CLI::Option* option) {
    return option->get_group().empty() ||
           (app.get_name().empty() && app.get_parent() != nullptr && option == app.get_help_ptr());
  });
  return options;
}

OptionFacts facts_of(const CLI::Option& option) {
  Type type = type_of(option);
  OptionFacts facts{.name = name_of(option),
                    .limits = limits_in(type.said),
                    .variable = option.get_envname(),
                    .text = option.get_description(),
                    .is_argument = option.get_positional(),
                    .is_required = option.get_required()};
  if (option.get_items_expected_max() == 0) return facts;
  std::string choices = choices_in(type.said);
  facts.value = choices.empty() ? type.name : choices;
  if (facts.value == "INT") facts.value = "N";
  if (option.get_expected_min() == 0) facts.value = "[" + facts.value + "]";
  facts.is_list = option.get_expected_max() == CLI::detail::expected_max_vector_size;
  facts.standard = option.get_default_str();
  return facts;
}

std::string wrapped(const std::string& text, std::size_t indent, std::size_t width) {
  std::string lines;
  std::string line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      lines += line + "\n";
      line.clear();
    }
    line += line.empty() ? std::string(indent, ' ') : " ";
    line += word;
  }
  return lines + (line.empty() ? std::string(indent, ' ') : line) + "\n";
}

std::string HelpFormatter::make_help(const CLI::App* app, std::string name,
                                     CLI::AppFormatMode /*mode*/) const {
  std::string text = app->get_description() + "\n\n" + usage(*app, name);
  if (std::string arguments = options_text(*app, /*arguments=*/true); !arguments.empty()) {
    text += "\nArguments:\n" + arguments;
  }
  text += "\nOptions:\n" + options_text(*app, /*arguments=*/false);
  for (const CLI::App* group : inner(*app, /*groups=*/true)) {
    std::string about = group->get_description();
    text += "\n" + group->get_group() + (about.empty() ? "" : " (" + about + ")") + ":\n";
    text += options_text(*group, /*arguments=*/false);
  }
  return text + commands_text(*app) + "\n" + wrapped(app->get_footer(), 0);
}

}  // namespace bemi::cli
