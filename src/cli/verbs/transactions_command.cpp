// SPDX-License-Identifier: LGPL-3.0-or-later
#include <memory>

#include <CLI/CLI.hpp>

#include "cli/filter_options.hpp"
#include "cli/past_options.hpp"
#include "cli/rows_output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"

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

base::Status transactions_command(const host::Config& config, const TransactionsOptions& options) {
  TRY_ASSIGN(std::string context, context_of(options.context));
  TRY_ASSIGN(pg::Connection destination, host::open_destination(config, host::Access::read_only));
  TRY_ASSIGN(pg::Rows rows,
             query::transactions(destination, context, span_of(options.span), options.limit));
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
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_span_options(command, config, options->span);
}

}  // namespace bemi::cli
