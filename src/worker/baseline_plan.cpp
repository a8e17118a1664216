// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/baseline_plan.hpp"

#include <algorithm>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "pg/table_guard.hpp"
#include "worker/sql.hpp"

namespace bemi::worker {
namespace {

using store::Piece;

// Without a key a row that is read twice would be two rows: such a table is one chunk. Of a table
// that no query is to read, COPY reads whole files (see pg/table_guard.hpp).
std::vector<Chunk> cut(std::size_t number, const wal::Table& table, std::vector<Piece> files,
                       bool by_query) {
  if (!table.has_primary_key) return {{number, std::move(files)}};
  std::vector<Chunk> chunks;
  for (const Piece& file : files) {
    std::int64_t blocks = by_query ? file.end_block : 0;
    for (std::int64_t first = 0; first == 0 || first < blocks; first += chunk_blocks) {
      Piece piece = file;
      piece.first_block = first;
      piece.end_block = first + chunk_blocks < blocks ? first + chunk_blocks : -1;
      chunks.push_back({number, {piece}});
    }
  }
  return chunks;
}

bool is_done(const Chunk& chunk, const wal::Table& table, const store::DonePieces& done) {
  // Only FULL makes up for columns that were not sent of a row that changed between two snapshots.
  bool whole_rows = table.identity == change::ReplicaIdentity::full && table.has_primary_key;
  return whole_rows && std::ranges::all_of(chunk.pieces, [&](const Piece& piece) {
           return done.contains(store::name_of(table.oid, piece));
         });
}

// Only large files are cut, and few tables have any: a look at a table's code is dear.
base::Result<bool> may_be_cut(pg::Connection& source, const wal::Table& table,
                              const std::vector<Piece>& files) {
  bool is_large =
      std::ranges::any_of(files, [](const Piece& file) { return file.end_block > chunk_blocks; });
  if (!is_large) return true;
  TRY_ASSIGN(std::string code, pg::foreign_code(source, std::to_string(table.oid)));
  return code.empty();
}

// The files of each table.
base::Result<std::map<change::Oid, std::vector<Piece>>> files_of(pg::Connection& source,
                                                                 const Tables& tables,
                                                                 const std::string& publication) {
  TRY_ASSIGN(std::string published, wal::publication_state(source, publication));
  std::string oids;
  std::map<change::Oid, change::Oid> memberships;
  for (const wal::Table& table : tables) {
    oids += (oids.empty() ? "" : ",") + std::to_string(table.oid);
    memberships[table.oid] = table.membership;
  }
  TRY_ASSIGN(pg::Rows rows, source.query(sql::table_leaves, {"{" + oids + "}"}));
  std::map<change::Oid, std::vector<Piece>> files;
  for (int row = 0; row < rows.count(); ++row) {
    auto table = static_cast<change::Oid>(rows.integer(row, 0));
    files[table].push_back(
        {.leaf = static_cast<change::Oid>(rows.integer(row, 1)),
         .leaf_name = pg::quote_name(rows.text(row, 2), rows.text(row, 3)),
         .file = rows.integer(row, 4),
         .end_block = rows.integer(row, 5),
         .shape = fmt::format("{} {} {}", rows.text(row, 6), memberships[table], published)});
  }
  return files;
}

}  // namespace

base::Result<BaselinePlan> plan_baseline(pg::Connection& source, const Tables& tables,
                                         const store::DonePieces& done, change::Lsn now,
                                         const std::string& publication) {
  TRY_ASSIGN(auto files_by_table, files_of(source, tables, publication));
  BaselinePlan planned{.chunks = {}, .from = std::vector(tables.size(), now)};
  for (std::size_t number = 0; number < tables.size(); ++number) {
    std::vector<Piece> files = std::move(files_by_table[tables[number].oid]);
    TRY_ASSIGN(bool by_query, may_be_cut(source, tables[number], files));
    std::vector<Chunk> cuts = cut(number, tables[number], std::move(files), by_query);
    std::erase_if(cuts, [&](const Chunk& chunk) {
      if (!is_done(chunk, tables[number], done)) return false;
      for (const Piece& piece : chunk.pieces) {
        change::Lsn read_at = done.at(store::name_of(tables[number].oid, piece));
        planned.from[number] = std::min(planned.from[number], read_at);
      }
      return true;
    });
    // A table of no chunk at all still becomes known.
    if (cuts.empty()) cuts.push_back({number, {}});
    std::ranges::move(cuts, std::back_inserter(planned.chunks));
  }
  return planned;
}

}  // namespace bemi::worker
