// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/past_options.hpp"

#include <CLI/CLI.hpp>

#include "cli/filter_options.hpp"
#include "cli/options.hpp"

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
  command.add_option("--since", options.since, "The time from which on to look")->type_name("TIME");
  command.add_option("--until", options.until, "The time before which to look")->type_name("TIME");
  command.add_option("--source-name", options.source, "The source's name [default: all sources]")
      ->type_name("NAME");
  add_connection_options(command, config);
  add_format_option(command, options.format);
}

query::Span span_of(const SpanOptions& options) {
  return {.since = options.since, .until = options.until, .source = given(options.source)};
}

}  // namespace bemi::cli
