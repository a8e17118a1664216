// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Relations: the tables as they are at this point of the stream. The stream describes a table by
// its columns; types and key come from what the source told (decode/schema_change) or from its
// catalog. The publication sends a partition as itself, so that nothing that happens to one goes
// unseen; here its rows get the name of the root, as the application knows them.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "change/selection.hpp"
#include "change/type.hpp"
#include "decode/message.hpp"
#include "decode/schema_change.hpp"
#include "render/batch_builder.hpp"
#include "render/redactions.hpp"
#include "render/source_catalog.hpp"

namespace bemi::render {

class Relations {
 public:
  // Both must outlive this.
  // `has_ddl_messages`: the stream itself tells of every DDL (setup::has_event_trigger).
  Relations(SourceCatalog& catalog, const change::Selection& selection, bool has_ddl_messages)
      : catalog_(&catalog),
        selection_(&selection),
        redactions_(catalog, selection),
        has_ddl_messages_(has_ddl_messages) {}

  // The stored shapes, by which the stream's older positions are read; in the stream's order.
  void remember(std::vector<change::Relation> relations);
  void remember_redactions(const std::vector<change::Relation>& relations) {
    for (const change::Relation& relation : relations) redactions_.remember(relation);
  }
  // Changes of this relation have this shape from the ordinal `sequence` of its transaction on.
  base::Status learn(const decode::RelationMessage& message, std::uint32_t sequence,
                     BatchBuilder& out);
  void forget_type(change::Oid oid) { types_.forget(oid); }

  // The relation that describes this change; error of kind malformed_message when none fits.
  base::Result<change::RelationPtr> find(change::Oid oid, const decode::Tuple& tuple) const;

  // The emptied tables by the names that the history knows: a root when all its leaves are.
  base::Result<std::vector<change::RelationPtr>> truncated(const std::vector<change::Oid>& oids,
                                                           BatchBuilder& out);

  // DDL that was told: the table from here on, and the texts of the SCHEMA change. nullopt: none is
  // to be stored.
  struct Step {
    change::RelationPtr relation;
    std::string before;
    std::string after;
  };
  base::Result<std::optional<Step>> take(decode::SchemaChange told, std::uint32_t sequence,
                                         BatchBuilder& out);

  // The tables of `told.relabelled` that are known, each as it is and was: their values are others
  // from here on.
  base::Result<std::vector<Step>> relabel(const decode::SchemaChange& told, BatchBuilder& out);

  // Resolves types and key, and marks the columns as the configuration says.
  base::Result<change::RelationPtr> resolve(change::Relation relation);

 private:
  struct Described {
    change::Relation sent;  // by its own name
    change::RelationPtr relation;
  };

  void know(change::Relation relation);
  [[nodiscard]] change::Oid root_of(change::Oid leaf) const;
  base::Status mend_root(const change::Relation& leaf);
  base::Status name_by_root(change::Relation& leaf);
  bool take_told(change::Relation& relation) const;
  base::Status complete(change::Relation& relation);
  base::Result<change::RelationPtr> mark(change::Relation relation);
  bool complete_partition(decode::SchemaChange& told) const;
  void doubt_all(BatchBuilder& out) const;
  void note_altered(const change::Relation& known, const decode::SchemaChange& told,
                    BatchBuilder& out) const;
  base::Status lose(decode::SchemaChange told, std::uint32_t sequence, BatchBuilder& out);
  void note_detached(const change::Relation& before, const change::Relation& now,
                     BatchBuilder& out) const;
  bool blame_partition(decode::SchemaChange& told) const;
  base::Status refresh(const change::Relation& told);
  [[nodiscard]] std::optional<change::Relation> known_of(change::Oid oid) const;

  SourceCatalog* catalog_;
  const change::Selection* selection_;
  Redactions redactions_;
  bool has_ddl_messages_;
  change::TypeCatalog types_;
  // Relations as the stream described them: their changes are read by these.
  std::unordered_map<change::Oid, Described> described_;
  // Tables, without partitions, as a message or the catalog described them last.
  std::unordered_map<change::Oid, change::Relation> known_;
};

}  // namespace bemi::render
