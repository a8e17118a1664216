// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/shapes.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "change/relation_json.hpp"
#include "store/baseline_writer.hpp"
#include "worker/sql.hpp"

namespace bemi::worker {
namespace {

using change::Oid;

struct Shape {
  std::string schema;
  std::string table;
  std::string columns;
  std::string plain_columns;  // of the catalog: without generated ones
  std::vector<Oid> leaves;
  std::string names;  // of all columns; empty: an older release stored it, without those unsent
};
using Shapes = std::map<Oid, Shape>;

Oid oid_at(const pg::Rows& rows, int row) { return static_cast<Oid>(rows.integer(row, 0)); }

// The shapes of the tables whose rows are all known.
base::Result<Shapes> known_shapes(pg::Connection& destination, const store::Progress& progress) {
  TRY_ASSIGN(store::WholeTables whole, store::load_whole_tables(destination, progress));
  TRY_ASSIGN(pg::Rows rows, destination.query(sql::known_shapes,
                                              {progress.source, std::to_string(progress.epoch)}));
  Shapes shapes;
  for (int row = 0; row < rows.count(); ++row) {
    auto leaves = change::read_oids(rows.text(row, 5));
    if (rows.truth(row, 3) || !leaves || !whole.contains(oid_at(rows, row))) continue;
    shapes.emplace(oid_at(rows, row), Shape{.schema = rows.text(row, 1),
                                            .table = rows.text(row, 2),
                                            .columns = rows.text(row, 4),
                                            .plain_columns = {},
                                            .leaves = std::move(*leaves),
                                            .names = rows.text(row, 6)});
  }
  return shapes;
}

base::Result<Shapes> catalog_shapes(pg::Connection& source, const Shapes& known) {
  nlohmann::json oids = nlohmann::json::array();
  for (const auto& [oid, shape] : known) oids.push_back(oid);
  TRY_ASSIGN(pg::Rows rows, source.query(sql::catalog_shapes, {oids.dump()}));
  Shapes shapes;
  for (int row = 0; row < rows.count(); ++row) {
    auto leaves = change::read_oids(rows.text(row, 5));
    shapes.emplace(oid_at(rows, row),
                   Shape{.schema = rows.text(row, 1),
                         .table = rows.text(row, 2),
                         .columns = rows.text(row, 3),
                         .plain_columns = rows.text(row, 4),
                         .leaves = leaves ? std::move(*leaves) : std::vector<Oid>{},
                         .names = rows.text(row, 6)});
  }
  return shapes;
}

// A partition that is new may be empty, as most are; one that is gone took its rows with it.
bool same(const Shape& known, const Shape& now) {
  return known.schema == now.schema && known.table == now.table &&
         (known.columns == now.columns || known.columns == now.plain_columns) &&
         (known.names.empty() || known.names == now.names) &&
         std::ranges::includes(now.leaves, known.leaves);
}

}  // namespace

base::Result<std::vector<wal::Table>> find_reshaped(pg::Connection& source,
                                                    pg::Connection& destination,
                                                    const store::Progress& progress) {
  TRY_ASSIGN(Shapes known, known_shapes(destination, progress));
  TRY_ASSIGN(Shapes now, catalog_shapes(source, known));
  std::vector<wal::Table> reshaped;
  for (const auto& [oid, shape] : known) {
    auto found = now.find(oid);
    if (found != now.end() && same(shape, found->second)) continue;
    reshaped.push_back({.oid = oid, .schema = shape.schema, .name = shape.table});
  }
  return reshaped;
}

}  // namespace bemi::worker
