// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/change_lines.hpp"
#include "cli/filter_options.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/past_options.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "query/known_names.hpp"

namespace bemi::cli {
namespace {

struct TransactionsOptions {
  std::vector<std::string> context;
  std::int64_t limit = 50;
  SpanOptions span;
};

// All that must hold, as one JSON object.
base::Result<std::string> context_of(const std::vector<std::string>& filters) {
  std::string object = "{";
  for (const std::string& text : filters) {
    TRY_ASSIGN(query::ContextFilter filter, query::parse_context_filter(text));
    std::string member = filter.as_scalar.value_or(filter.as_text);
    object += (object.size() > 1 ? ", " : "") + member.substr(1, member.size() - 2);
  }
  return object + "}";
}

// {"public.todo": 3} as "3 todo".
std::string tables_said(const std::string& text) {
  auto counts = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::string words;
  for (const auto& [table, count] : counts.items()) {
    std::string name = table.starts_with("public.") ? table.substr(7) : table;
    words += (words.empty() ? "" : ", ") + count.dump() + " " + name;
  }
  return words;
}

void print_lines(const pg::Rows& rows) {
  std::vector<ChangeLine> lines;
  for (int row = 0; row < rows.count(); ++row) {
    lines.push_back(
        {.at = rows.text(row, 0),
         .what = "transaction " + rows.text(row, 1) + ": " + tables_said(rows.text(row, 3)),
         .context = rows.text(row, 4),
         .changes = ""});
  }
  std::cout << render_lines(lines, terminal_width().value_or(80), use_colour());
}

base::Status transactions_command(const host::Config& config, const TransactionsOptions& options) {
  TRY_ASSIGN(std::string context, context_of(options.context));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(query::Span span, span_of(destination, options.span));
  TRY_ASSIGN(pg::Rows rows, query::transactions(destination, context, span, options.limit));
  if (rows.empty()) {
    TRY(query::check_context_keys(destination, {.context = options.context}));
  }
  if (options.span.format == "table" && terminal_width()) {
    print_lines(rows);
    return {};
  }
  print(rows,
        {{"effective_at"},
         {"transaction_id", Form::number},
         {"changes", Form::number},
         {"tables", Form::json},
         {"context", Form::json},
         {"source", Form::text, false}},
        options.span.format);
  return {};
}

}  // namespace

void add_transactions(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<TransactionsOptions>();
  CLI::App& command = verbs.add(
      verbs.app(), "transactions", "List transactions with what each one did, the newest first",
      [&config, options] { return transactions_command(config, *options); });
  add_context_option(command, options->context);
  command.add_option("--limit", options->limit, "Show at most N transactions")
      ->check(whole_number())
      ->capture_default_str();
  add_span_options(command, config, options->span);
}

}  // namespace bemi::cli
