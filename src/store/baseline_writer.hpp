// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Baseline rows into `changes`, beside the Writer and over a connection of its own. They stand at
// the WAL position of the snapshot that they were read in, which the stream has passed, so that it
// matters not when they are stored. A chunk's rows and the note that it is done commit together.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "change/change.hpp"
#include "pg/connection.hpp"
#include "store/copy_row.hpp"
#include "store/progress.hpp"

namespace bemi::store {

// The position of baseline rows in the history.
struct BaselinePlace {
  change::Lsn position;
  base::Timestamp effective_at;  // not before that of any change up to the position
  base::Timestamp since;         // from here on the table is known whole
  std::uint64_t transaction_id = 0;
};

// A part of a table: blocks [first, end) of one file.
struct Piece {
  change::Oid leaf = 0;   // a partition, or the table itself
  std::string leaf_name;  // quoted, with its schema
  std::int64_t file = 0;  // relfilenode: a table that was rewritten is read anew
  std::int64_t first_block = 0;
  std::int64_t end_block = -1;  // -1: to the end, however far that moves
  // The table's columns and the way it was published: rows and later changes depend on both. A
  // piece that was read under another shape is read again.
  std::string shape;
};

// Which parts of which tables are stored, and the position of the snapshot that each was read in.
using PieceName = std::tuple<change::Oid, change::Oid, std::int64_t, std::int64_t, std::string>;
using DonePieces = std::map<PieceName, change::Lsn>;
PieceName name_of(change::Oid table, const Piece& piece);

class BaselineWriter {
 public:
  // \pre the partition for `place.effective_at` exists.
  static base::Result<BaselineWriter> open(pg::Connection destination, const Progress& progress,
                                           const BaselinePlace& place);

  base::Status append(const change::Batch& batch);
  // Commits what was appended, with the note that the pieces are done.
  base::Status finish(change::Oid table, const std::vector<Piece>& pieces);
  // Marks a table as completely read: from here on it answers questions by itself. Commits what was
  // appended with it, unless somebody else has done all this meanwhile. `from`: the position of the
  // oldest snapshot in which a part of it was read in its current shape; its changes since are in
  // the stream.
  base::Status finish_table(const change::Relation& relation, change::Oid membership,
                            std::int64_t rows, change::Lsn from);

 private:
  BaselineWriter(std::unique_ptr<pg::Connection> destination, const Progress& progress,
                 const BaselinePlace& place, const std::string& schema);

  base::Status end_copy();

  std::unique_ptr<pg::Connection> destination_;
  Progress progress_;
  BaselinePlace place_;
  RowEncoder encoder_;
  std::string copy_command_;
  std::optional<pg::CopyIn> copy_;
  std::string lines_;
};

// The facts of the transaction that baseline rows appear to be of.
change::Transaction transaction_of(const BaselinePlace& place);

// The table is known from there on, without the rows that it has.
base::Status note_described(pg::Connection& destination, const Progress& progress,
                            const BaselinePlace& place, const change::Relation& relation,
                            change::Oid membership);

// The pieces that an earlier attempt has stored, of tables whose changes were all seen since.
base::Result<DonePieces> load_done_pieces(pg::Connection& destination, const Progress& progress);

// The tables that are known with all their rows in this epoch, and by which entry in the
// publication (0: not known).
using TableAsNamed = std::tuple<change::Oid, std::string, std::string>;
using WholeTables = std::map<change::Oid, change::Oid>;
base::Result<WholeTables> load_whole_tables(pg::Connection& destination, const Progress& progress);

// Notes that not all changes of a table since then have been seen, and why; until a new baseline.
base::Status note_unseen(pg::Connection& destination, const Progress& progress,
                         const TableAsNamed& table, base::Timestamp since,
                         const std::string& reason);

// The newest effective_at that is stored of what was committed up to `position`.
base::Result<base::Timestamp> effective_at(pg::Connection& destination, const Progress& progress,
                                           change::Lsn position);

}  // namespace bemi::store
