// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/connections.hpp"

#include <iostream>

#include "base/printable.hpp"
#include "host/sql.hpp"
#include "host/stop.hpp"

namespace bemi::host {
namespace {

base::Result<pg::Connection> open(const std::string& url, const char* purpose, Access access,
                                  const char* which, bool stored_text = false) {
  auto opened = pg::Connection::open({.url = url,
                                      .purpose = purpose,
                                      .read_only = access == Access::read_only,
                                      .interrupt = &asked_to_stop(),
                                      .cancels = true,
                                      .stored_text = stored_text});
  if (opened) return opened;
  return std::unexpected(opened.error().within(which));
}

// A history that this role may not read: says who can change that, and how.
base::Status check_readable(pg::Connection& destination) {
  TRY_ASSIGN(pg::Rows rows, destination.run(sql::rights_to_read));
  if (rows.empty()) return {};
  const std::string role = rows.text(0, 0);
  const std::string reader = rows.text(0, 1);
  std::string grant =
      reader.empty()
          ? "select _bemi.grant_rights('reader', " + pg::quote_literal(role) + ");"
          : "grant " + pg::quote_identifier(reader) + " to " + pg::quote_identifier(role) + ";";
  return base::fail(base::ErrorKind::permission, "the role " + role + " may not read this history",
                    "its owner runs: " + grant + " (docs/reference/rights.md)");
}

}  // namespace

base::Result<pg::Connection> open_source(const Config& config, Access access) {
  TRY(require_source(config));
  return open(config.source_url, "bemi/cli", access, "source",
              /*stored_text=*/true);
}

base::Result<pg::Connection> open_source_as_admin(const Config& config) {
  TRY(require_source(config));
  bool given = !config.admin_url.empty();
  return open(given ? config.admin_url : config.source_url, "bemi/admin", Access::read_write,
              "source", /*stored_text=*/true);
}

base::Result<pg::Connection> open_destination(const Config& config, Access access) {
  if (config.destination_url.empty()) TRY(require_source(config));
  TRY_ASSIGN(pg::Connection destination,
             open(config.destination(), "bemi/cli", access, "destination"));
  if (access == Access::read_only) TRY(check_readable(destination));
  return destination;
}

base::Result<pg::Connection> open_destination_as_admin(const Config& config) {
  bool shared = config.destination_url.empty() || config.destination_url == config.source_url;
  bool given = !config.admin_url.empty() && shared;
  return open(given ? config.admin_url : config.destination(), "bemi/admin", Access::read_write,
              "destination");
}

base::Result<pg::Connection> open_destination_as_maintainer(const Config& config) {
  if (config.maintain_url.empty()) return open_destination(config, Access::read_write);
  return open(config.maintain_url, "bemi/maintenance", Access::read_write, "destination");
}

std::string place_of(const pg::Connection& connection) {
  return base::printable(connection.database() + " at " + connection.host());
}

void announce(const std::string& command, const pg::Connection& place) {
  std::cerr << "bemi " << command << ": " << place_of(place) << "\n";
}

}  // namespace bemi::host
