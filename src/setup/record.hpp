// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The record of what Bemi made on the source and of what was there before: tables in the source's
// schema `_bemi_setup`. Objects that they do not name are not Bemi's, whatever their names or
// comments say.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "setup/setup.hpp"

namespace bemi::setup {

struct Record {
  bool is_there = false;
  bool is_readable = false;     // by this session's role
  bool may_be_made = false;     // by this session's role
  bool may_be_written = false;  // its identities, by this session's role
  bool may_be_owned = false;    // all of it, by this session's role
  bool has_publication = false;
  bool has_slot = false;
  std::vector<change::Oid> identities;  // tables whose former identity is known
  [[nodiscard]] bool may_grow() const { return is_there ? may_be_written : may_be_made; }
  [[nodiscard]] bool may_name() const { return is_there ? may_be_owned : may_be_made; }
};

// Error of kind conflict when it is somebody else's.
base::Status look_at_record(pg::Connection& source);
base::Result<Record> load_record(pg::Connection& source, const Settings& settings);

// Whether the publication is ours: recorded, or of a Bemi that kept no record, whose history knows
// it.
bool owns_publication(const Record& record, const Settings& settings);

// Makes the record, and notes the slot and the identities of tables that are to be published.
std::optional<Step> record_step(const Record& record, const std::vector<wal::Table>& tables,
                                const Settings& settings);

// SQL to run with what it is about, in one transaction.
std::string note_publication_sql(const Settings& settings);
std::string note_identity_sql(change::Oid table, char given, const Settings& settings);
// `subjects`: OIDs of tables, or of one schema.
enum class Granted { schema, tables };
std::string note_grant_sql(Granted kind, const std::string& subjects, const Settings& settings);

// The publication that the event triggers on the source serve; empty when they are not there, or do
// not say.
base::Result<std::string> publication_of_triggers(pg::Connection& source);

// The steps of teardown that restore each table and revoke what was granted.
struct Restoration {
  std::vector<Step> steps;
  std::vector<std::string> notes;  // what stays as it is, and why
};
base::Result<Restoration> plan_restoration(pg::Connection& admin,
                                           const std::vector<wal::Table>& tables,
                                           const Record& record, const Settings& settings);
// The rows of this publication; the tables and the schema with the last ones.
Step forget_step(const Settings& settings);

}  // namespace bemi::setup
