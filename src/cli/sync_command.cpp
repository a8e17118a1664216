// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/catch_up.hpp"
#include "cli/commands.hpp"
#include "cli/ends.hpp"
#include "store/schema.hpp"

namespace cli {

base::Status sync_command(const Config& config, int timeout_s) {
  TRY_ASSIGN(pg::Connection source, open_source(config, Access::read_write));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, Access::read_only));
  TRY(store::history_schema(destination));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, source));
  return catch_up(source, destination, settings.source_name, timeout_s);
}

}  // namespace cli
