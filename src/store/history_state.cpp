// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/history_state.hpp"

#include "base/number.hpp"
#include "store/schema.hpp"
#include "store/sql.hpp"

namespace bemi::store {
namespace {

constexpr const char* select_obstacle = R"(
select case c.relkind when 'f' then 'a foreign table' when 'v' then 'a view' else 'a relation' end
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relname = 'changes')";

// A new history finds these empty, or not there.
constexpr const char* select_content = R"(
select format('the schema %I', n.nspname) from pg_namespace n
where n.nspname in ('bemi', 'time_travel')
  and (exists (select from pg_class c where c.relnamespace = n.oid)
       or exists (select from pg_proc p where p.pronamespace = n.oid))
order by 1 limit 1)";

// The shape of a history that 0.1.0 made, which kept no hashes.
constexpr const char* shape_of_first_release =
    "1d4cd768ec5978e45d8c2b19000ecb4f2bdd707180e444365ec2f9e42c8ae651";

constexpr const char* select_state = R"(
select to_regclass('_bemi.migration') is not null,
       exists (select from pg_attribute where attrelid = to_regclass('_bemi.migration') and attname = 'sha256'),
       to_regclass('_bemi.function_set') is not null)";

constexpr const char* select_functions = R"(
select sha256, string_to_array(version, '.')::int[] > string_to_array($1, '.')::int[] from _bemi.function_set)";

base::Status unknown_history(const std::string& what) {
  return base::fail(base::ErrorKind::unsupported,
                    "the history here was made by a development version of Bemi: " + what,
                    "no release can upgrade it: keep what you need of it, then bemi teardown "
                    "--destination, or choose another destination");
}

const Migration* find_migration(int version) {
  for (const Migration& migration : migrations()) {
    if (version_of(migration) == version) return &migration;
  }
  return nullptr;
}

// A history that 0.1.0 made has its names, and its tables to the letter.
base::Status check_first_release(pg::Connection& destination, const HistoryState& state) {
  for (const Applied& one : state.applied) {
    const Migration* known = find_migration(one.version);
    bool was_functions_only = one.name == "0007_checkpoints" || one.name == "0008_walk_back";
    bool is_known = known != nullptr ? one.name == known->name : was_functions_only;
    if (!is_known) return unknown_history("it has a migration " + one.name);
  }
  if (state.applied.size() != first_release) return unknown_history("it is not whole");
  TRY_ASSIGN(pg::Rows shape, destination.run(sql::history_shape));
  if (shape.text(0, 0) == shape_of_first_release) return {};
  return unknown_history("its tables are not those of 0.1.0");
}

}  // namespace

int version_of(const Migration& migration) {
  std::string_view name = migration.name;
  return base::parse_number<int>(name.substr(0, name.find('_'))).value_or(0);
}

base::Result<HistoryState> read_state(pg::Connection& destination) {
  HistoryState state;
  TRY_ASSIGN(pg::Rows there, destination.run(select_state));
  if (!there.truth(0, 0)) return state;  // Bemi was never here
  state.has_hashes = there.truth(0, 1);
  TRY_ASSIGN(pg::Rows rows, destination.run(std::string("select version, name, ") +
                                            (state.has_hashes ? "coalesce(sha256, '')" : "''") +
                                            " from _bemi.migration order by version"));
  for (int row = 0; row < rows.count(); ++row) {
    state.applied.push_back(
        {static_cast<int>(rows.integer(row, 0)), rows.text(row, 1), rows.text(row, 2)});
  }
  if (!there.truth(0, 2)) return state;
  TRY_ASSIGN(pg::Rows functions,
             destination.query(select_functions, {std::string(program_version())}));
  if (functions.empty()) return state;
  state.functions_sha256 = functions.text(0, 0);
  state.functions_are_newer = functions.truth(0, 1);
  return state;
}

base::Status check_obstacle(pg::Connection& destination, const std::string& schema) {
  TRY_ASSIGN(pg::Rows rows, destination.query(select_obstacle, {schema}));
  TRY_ASSIGN(pg::Rows content, destination.run(select_content));
  if (!content.empty()) {
    return base::fail(base::ErrorKind::conflict,
                      content.text(0, 0) + " is in the way, with what is not Bemi's in it",
                      "rename it, or choose another database with --destination");
  }
  if (rows.empty()) return {};
  return base::fail(base::ErrorKind::conflict,
                    rows.text(0, 0) + " named " + changes_name(schema) +
                        " that is not Bemi's is in the way; it is left untouched",
                    "rename it, or choose another schema with --schema");
}

base::Status check_state(pg::Connection& destination, const HistoryState& state) {
  int newest = version_of(migrations().back());
  bool is_newer = state.functions_are_newer || state.applied.back().version > newest;
  if (is_newer) {
    return base::fail(base::ErrorKind::unsupported, "the destination was prepared by a newer Bemi",
                      "upgrade this bemi");
  }
  if (!state.has_hashes) return check_first_release(destination, state);
  for (const Applied& one : state.applied) {
    const Migration* known = find_migration(one.version);
    bool is_ours = known != nullptr ? one.sha256 == known->sha256 : one.sha256.empty();
    if (!is_ours) return unknown_history("its migration " + one.name + " is another one");
  }
  return {};
}

}  // namespace bemi::store
