// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Finds objects of others that stand where Bemi's would go, before anything is made.
#include <fmt/format.h>

#include "setup/record.hpp"
#include "setup/setup.hpp"
#include "setup/sql.hpp"
#include "store/own_schema.hpp"
#include "wal/slot.hpp"

namespace bemi::setup {
namespace {

base::Status look_at_schemas(pg::Connection& connection, const char* names) {
  TRY_ASSIGN(pg::Rows rows, connection.query(sql::existing_schemas, {names}));
  for (int row = 0; row < rows.count(); ++row) {
    std::string schema = rows.text(row, 0);
    std::string owner = rows.text(row, 1);
    if (!rows.truth(row, 3)) {
      return base::fail(
          base::ErrorKind::conflict,
          fmt::format("the schema {} of {} is in the way, and Bemi did not make it; it is left "
                      "untouched",
                      schema, owner),
          fmt::format("rename it: alter schema {} rename to {};  or keep the history in "
                      "another database: --destination",
                      pg::quote_identifier(schema), pg::quote_identifier(schema + "_old")));
    }
    if (!rows.truth(row, 2)) {
      return std::unexpected(store::foreign_owner("the schema " + schema + " or a table in it",
                                                  owner, connection.user()));
    }
  }
  return {};
}

std::string choose_slot(const wal::Slot& slot) {
  return "choose another name with --slot; " + slot.name + " is left untouched";
}

base::Status look_at_slot(pg::Connection& source, const Record& record, const Settings& settings) {
  TRY_ASSIGN(auto slot, wal::find_slot(source, settings.slot));
  if (!slot || (settings.known_streaming && settings.known_slot == settings.slot)) return {};
  if (std::string foreign = wal::foreign_slot(*slot, source.database()); !foreign.empty()) {
    return base::fail(base::ErrorKind::conflict, foreign, choose_slot(*slot));
  }
  if (settings.known_slot == settings.slot) return {};
  return base::fail(
      base::ErrorKind::conflict,
      "the slot " + slot->name + " exists already, and this destination does not know it",
      record.has_slot ? "another history reads it: give that one as --destination, or track as "
                        "another source with --name;  "
                        "if that history is gone, run: bemi teardown"
                      : choose_slot(*slot));
}

base::Status look_at_publication(pg::Connection& source, const Record& record,
                                 const Settings& settings) {
  if (settings.names_publication || owns_publication(record, settings)) return {};
  bool is_known = settings.known_publication == settings.publication;
  if (is_known || (record.is_there && !record.is_readable)) return {};
  TRY_ASSIGN(auto publication, wal::find_publication(source, settings.publication));
  if (!publication) return {};
  return base::fail(
      base::ErrorKind::conflict,
      fmt::format("the publication {} of {} is there already, and Bemi did not make it; it is "
                  "left untouched",
                  publication->name, publication->owner),
      fmt::format("choose another name with --publication, or --publication {} to use this one",
                  publication->name));
}

}  // namespace

base::Status look_at_record(pg::Connection& source) {
  return look_at_schemas(source, "{_bemi_setup}");
}

base::Status look_at_source(pg::Connection& source, const Settings& settings) {
  TRY(look_at_record(source));
  TRY_ASSIGN(Record record, load_record(source, settings));
  TRY(look_at_slot(source, record, settings));
  return look_at_publication(source, record, settings);
}

base::Status look_at_destination(pg::Connection& destination) {
  TRY(look_at_schemas(destination, "{_bemi,bemi,time_travel}"));
  return store::check_own_schema(destination);
}

}  // namespace bemi::setup
