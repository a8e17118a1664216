// SPDX-License-Identifier: LGPL-3.0-or-later
#include <fstream>
#include <iostream>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "base/log.hpp"
#include "cli/options.hpp"
#include "cli/verbs/run_command.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/own_files.hpp"
#include "host/private_postgres.hpp"
#include "host/stop.hpp"

namespace bemi::cli {
namespace {

constexpr int token_bytes = 24;

struct DevOptions {
  std::string directory = ".bemi";
  std::string postgres_bindir;
  int port = 0;
};

// The same each time, so that a bookmark stays good: kept where the server's password is.
base::Result<std::string> kept_token(const std::string& directory) {
  std::string path = directory + "/dashboard-token";
  if (std::ifstream file(path); file) {
    std::string token;
    if (std::getline(file, token) && !token.empty()) return token;
  }
  std::random_device entropy;
  std::string token = "bemi_";
  for (int i = 0; i < token_bytes; ++i) token += fmt::format("{:02x}", entropy() & 0xFF);
  TRY(host::write_secret(path, token));
  return token;
}

base::Status dev_command(host::Config config, const DevOptions& options,
                         const base::Interrupt& stop) {
  base::log::info("starting a private PostgreSQL in {}", options.directory);
  TRY_ASSIGN(host::PrivatePostgres server,
             host::PrivatePostgres::start({.directory = options.directory,
                                           .bindir = options.postgres_bindir,
                                           .port = options.port,
                                           .interrupt = &stop}));
  config.source_url = server.url();
  config.destination_url.clear();
  config.admin_url.clear();
  // On stdout alone, for a script to take: everything else is log.
  std::cout << server.url() << "\n" << std::flush;
  base::log::info("PostgreSQL {} is up; point the application at the URL above", server.version());
  if (config.http.empty()) {
    config.http = "127.0.0.1:7070";
    config.any_http_port = true;
  }
  if (config.http_token.empty()) {
    TRY_ASSIGN(config.http_token, kept_token(options.directory));
    config.shows_http_token = true;
  }
  return run_command(config, stop);
}

}  // namespace

void add_dev(Verbs& verbs) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<DevOptions>();
  CLI::App& command = verbs.add(
      verbs.app(), "dev", "Run everything on a private PostgreSQL",
      [&config, options] { return dev_command(config, *options, host::asked_to_stop()); });
  command.add_option("--directory", options->directory, "The directory of the private PostgreSQL")
      ->envname("BEMI_DEV_DIRECTORY")
      ->type_name("DIRECTORY")
      ->capture_default_str();
  command
      .add_option("--postgres-bin", options->postgres_bindir,
                  "The directory of PostgreSQL's server programs [default: searched]")
      ->envname("BEMI_POSTGRES_BIN")
      ->type_name("DIRECTORY");
  command
      .add_option("--port", options->port,
                  "The port on 127.0.0.1 [default: a free port, kept for later runs]")
      ->check(CLI::Range(1, 65535))
      ->envname("BEMI_DEV_PORT")
      ->type_name("PORT");
  add_tracking_options(command, config);
  add_worker_options(command, config);
  add_maintenance_options(command, config);
  add_http_options(command, config);
  add_log_options(command, config);
}

}  // namespace bemi::cli
