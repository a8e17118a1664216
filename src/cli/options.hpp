// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The options that several verbs share: flag, environment variable and help of each.
#pragma once

#include <string>

#include "host/config.hpp"

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace bemi::cli {

inline constexpr const char* key_about = "The record's primary key; of several columns: 2756,WAW-1";
inline constexpr const char* table_about =
    "The table, as table or schema.table; quoted as in SQL where needed";

inline constexpr const char* since_about =
    "The time from which on to look, such as 2026-11-27 14:00 (UTC), yesterday or 2 hours ago";
inline constexpr const char* until_about = "The time before which to look";

// A number of rows: CLI11's own check names a bound of 300 digits.
CLI::Validator whole_number();

void add_format_option(CLI::App& command, std::string& format);

// The options of a command, in groups.
void add_connection_options(CLI::App& command, host::Config& config);
void add_tracking_options(CLI::App& command, host::Config& config);
// Also where rows are read from the live table: what a worker keeps out stays out.
void add_selection_options(CLI::App& command, host::Config& config);
// Schema and partitions of the table changes, for commands that may create it.
void add_layout_options(CLI::App& command, host::Config& config);
void add_snapshot_option(CLI::App& command, host::Config& config);
void add_worker_options(CLI::App& command, host::Config& config);
void add_retention_option(CLI::App& command, host::Config& config);
void add_maintainer_option(CLI::App& command, host::Config& config);
void add_maintenance_options(CLI::App& command, host::Config& config);
void add_http_options(CLI::App& command, host::Config& config);
void add_log_options(CLI::App& command, host::Config& config);
// Adds the address to which undo writes; `about` is the flag's help.
void add_revert_url_option(CLI::App& command, host::Config& config, const char* about);
inline constexpr const char* revert_url_about =
    "The source, as a role that may write its tables [default: --source]";
inline constexpr const char* revert_url_for_undo =
    "The source, as a role that may write its tables, for undo [default: --source]";
// Makes --destination of `command` a wish too, with or without a URL: drop what is there.
void add_destination_wish(CLI::App& command, bool& wished);

}  // namespace bemi::cli
