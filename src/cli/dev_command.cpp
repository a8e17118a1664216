// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>

#include "base/log.hpp"
#include "cli/commands.hpp"
#include "cli/private_postgres.hpp"

namespace cli {

base::Status dev_command(Config config, const DevOptions& options, const base::Interrupt& stop) {
  base::log::info("starting a private PostgreSQL in {}", options.directory);
  TRY_ASSIGN(PrivatePostgres server, PrivatePostgres::start({.directory = options.directory,
                                                             .bindir = options.postgres_bindir,
                                                             .port = options.port,
                                                             .interrupt = &stop}));
  config.source_url = server.url();
  config.destination_url.clear();
  config.admin_url.clear();
  // On stdout alone, for a script to take: everything else is log.
  std::cout << server.url() << "\n" << std::flush;
  base::log::info("PostgreSQL {} is up; point the application at the URL above", server.version());
  return run_command(config, stop);
}

}  // namespace cli
