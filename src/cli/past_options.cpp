// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/past_options.hpp"

#include <CLI/CLI.hpp>

#include "cli/filter_options.hpp"
#include "cli/options.hpp"
#include "query/known_names.hpp"

namespace bemi::cli {

void add_past_options(CLI::App& command, host::Config& config, PastOptions& options) {
  command
      .add_option("--source-name", options.source,
                  "The source's name, needed if several sources have the table")
      ->type_name("NAME");
  command.add_flag("--partial", options.partial,
                   "Answer with the known rows, even if some are missing");
  command.add_flag("--allow-stale", options.allow_stale,
                   "Answer even if later changes may still be missing");
  add_wait(command, options.wait, "Wait this long, such as 30s, for a moment still to come");
  add_connection_options(command, config);
}

query::PastOptions past_of(const PastOptions& options) {
  return {.source = given(options.source),
          .partial = options.partial,
          .allow_stale = options.allow_stale};
}

void add_span_options(CLI::App& command, host::Config& config, SpanOptions& options) {
  command.add_option("--since", options.since, since_about)->type_name("TIME");
  command.add_option("--until", options.until, until_about)->type_name("TIME");
  command.add_option("--source-name", options.source, "The source's name [default: all sources]")
      ->type_name("NAME");
  add_connection_options(command, config);
  add_format_option(command, options.format);
}

base::Result<query::Span> span_of(pg::Connection& destination, const SpanOptions& options) {
  query::Span span{.since = {}, .until = {}, .source = given(options.source)};
  TRY_ASSIGN(span.since, query::absolute_time(destination, options.since));
  TRY_ASSIGN(span.until, query::absolute_time(destination, options.until));
  return span;
}

}  // namespace bemi::cli
