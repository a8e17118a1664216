// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Renderer: a stitched message -> changes as they are stored, without what the configuration
// ignores and redacts.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "change/selection.hpp"
#include "decode/row.hpp"
#include "render/batch_builder.hpp"
#include "render/context_text.hpp"
#include "render/relations.hpp"
#include "render/source_catalog.hpp"
#include "stitch/stitcher.hpp"

namespace bemi::render {

class Renderer {
 public:
  // `catalog`: of the source (live_catalog()). `selection` must outlive the renderer.
  // `has_ddl_messages`: the stream itself tells of every DDL (setup::has_event_trigger).
  Renderer(std::unique_ptr<SourceCatalog> catalog, const change::Selection& selection,
           bool has_ddl_messages)
      : catalog_(std::move(catalog)),
        redacts_(selection.redacts_any()),
        relations_(*catalog_, selection, has_ddl_messages),
        context_text_(redacts_) {}

  // The stored shapes, by which the stream's older positions are read.
  void remember(std::vector<change::Relation> relations) {
    relations_.remember(std::move(relations));
  }

  // Remembers only which columns of these are redacted.
  void remember_redactions(const std::vector<change::Relation>& relations) {
    relations_.remember_redactions(relations);
  }

  // `sequence`: the transaction's next ordinal; every change takes one, recorded or not, so that
  // a change has the same identity under any configuration.
  base::Status render(const stitch::Stitched& stitched, std::uint32_t& sequence, BatchBuilder& out);

  // A baseline row, outside of any stream.
  void render_snapshot(const change::RelationPtr& relation, const decode::Tuple& row,
                       change::Lsn position, std::uint32_t sequence, BatchBuilder& out);
  // Resolves types and key, and marks the columns as the configuration says.
  base::Result<change::RelationPtr> resolve(change::Relation relation) {
    return relations_.resolve(std::move(relation));
  }

 private:
  struct Place {
    change::Lsn position;
    std::string_view context;
    std::optional<bool> context_verified;
    std::uint64_t context_number;
    std::uint32_t sequence;
  };
  base::Status insert(const decode::Insert& message, const Place& place, BatchBuilder& out);
  base::Status update(const decode::Update& message, const Place& place, BatchBuilder& out);
  base::Status remove(const decode::Delete& message, const Place& place, BatchBuilder& out);
  base::Status truncate(const decode::Truncate& message, Place place, std::uint32_t& sequence,
                        BatchBuilder& out);
  base::Status schema(const decode::LogicalMessage& message, Place place, std::uint32_t& sequence,
                      BatchBuilder& out);
  void emit_step(Relations::Step step, const Place& place, BatchBuilder& out);
  void emit(const change::RelationPtr& relation, change::Operation operation, const Place& place,
            const decode::Tuple* key_row, const decode::Tuple* old_row, BatchBuilder& out,
            bool partial = false);
  std::string_view kept_context(const Place& place, BatchBuilder& out);
  void clear();

  std::unique_ptr<SourceCatalog> catalog_;
  bool redacts_;
  Relations relations_;
  ContextText context_text_;
  // Kept for their capacity: one change's texts before they are copied into the batch.
  std::string before_;
  std::string after_;
  std::string key_;
  decode::RowRemarks remarks_;
};

}  // namespace bemi::render
