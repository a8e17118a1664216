// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/renderer.hpp"

#include <algorithm>

#include "base/overloaded.hpp"
#include "change/sql_text.hpp"
#include "decode/schema_change.hpp"
#include "decode/signature.hpp"

namespace bemi::render {
namespace {

using change::Operation;
using decode::OldKind;
using decode::Side;

}  // namespace

// DDL of a tracked table that was told.
base::Status Renderer::schema(const decode::LogicalMessage& message, Place place,
                              std::uint32_t& sequence, BatchBuilder& out) {
  auto told = decode::parse_schema_change(decode::signed_content(message.content));
  // The stitcher let it through, but what else a record could hold is input too.
  if (!told) return {};
  // The client's whole query, with whatever else is in it.
  told->sql = redacts_ ? change::without_literals(told->sql) : change::without_passwords(told->sql);
  if (!told->relabelled.empty()) {
    TRY_ASSIGN(auto steps, relations_.relabel(*told, out));
    for (Relations::Step& step : steps) {
      place.sequence = sequence++;
      emit_step(std::move(step), place, out);
    }
    return {};
  }
  place.sequence = sequence++;
  TRY_ASSIGN(auto step, relations_.take(std::move(*told), place.sequence, out));
  if (step) emit_step(std::move(*step), place, out);
  return {};
}

void Renderer::emit_step(Relations::Step step, const Place& place, BatchBuilder& out) {
  before_ = std::move(step.before);
  after_ = std::move(step.after);
  emit(step.relation, Operation::schema, place, nullptr, nullptr, out);
}

void Renderer::clear() {
  before_.clear();
  after_.clear();
  key_.clear();
  remarks_ = {};
}

// Turns what clear() and append_row() gathered into a change of the batch.
void Renderer::emit(const change::RelationPtr& relation, Operation operation, const Place& place,
                    const decode::Tuple* key_row, const decode::Tuple* old_row, BatchBuilder& out,
                    bool partial) {
  change::Change change{.relation = relation,
                        .operation = operation,
                        .position = place.position,
                        .sequence = place.sequence,
                        .partial = partial,
                        .context_verified = place.context_verified};
  if (key_row != nullptr) {
    change.has_key = decode::append_primary_key(key_, *relation, *key_row, old_row);
    change.primary_key = out.keep_copy(key_);
  }
  if (change.has_key && operation == Operation::update && old_row != nullptr) {
    key_.clear();
    change.moved = decode::append_primary_key(key_, *relation, *old_row, nullptr) &&
                   key_ != change.primary_key;
    if (change.moved) change.previous_key = out.keep_copy(key_);
  }
  if (!before_.empty()) change.before = out.keep(before_);
  if (!after_.empty()) change.after = out.keep(after_);
  if (place.context != "{}" && !place.context.empty()) change.context = kept_context(place, out);
  change.exact = out.keep_copy(remarks_.exact.text());
  change.fidelity = out.keep_copy(remarks_.fidelity.text());
  out.add(change);
}

std::string_view Renderer::kept_context(const Place& place, BatchBuilder& out) {
  if (auto kept = out.kept_context(place.context_number)) return *kept;
  return out.keep_context(context_text_.of(place.context), place.context_number);
}

base::Status Renderer::insert(const decode::Insert& message, const Place& place,
                              BatchBuilder& out) {
  TRY_ASSIGN(change::RelationPtr relation, relations_.find(message.relation, message.after));
  if (!relation->tracked) return {};
  decode::append_row(after_, *relation, message.after, nullptr, false, Side::after, remarks_);
  emit(relation, Operation::create, place, &message.after, nullptr, out);
  return {};
}

base::Status Renderer::update(const decode::Update& message, const Place& place,
                              BatchBuilder& out) {
  TRY_ASSIGN(change::RelationPtr relation, relations_.find(message.relation, message.after));
  if (!relation->tracked) return {};
  bool whole = message.old_kind == OldKind::full;
  const decode::Tuple* old = message.old_kind == OldKind::none ? nullptr : &message.before;
  if (whole && !decode::differs(*relation, message.before, message.after)) return {};
  if (old != nullptr) {
    decode::append_row(before_, *relation, *old, nullptr, !whole, Side::before, remarks_);
  }
  decode::append_row(after_, *relation, message.after, whole ? old : nullptr, false, Side::after,
                     remarks_);
  // With FULL the old row has all that the new one lacks.
  emit(relation, Operation::update, place, &message.after, old, out, /*partial=*/!whole);
  return {};
}

base::Status Renderer::remove(const decode::Delete& message, const Place& place,
                              BatchBuilder& out) {
  TRY_ASSIGN(change::RelationPtr relation, relations_.find(message.relation, message.before));
  if (!relation->tracked) return {};
  bool whole = message.old_kind == OldKind::full;
  decode::append_row(before_, *relation, message.before, nullptr, !whole, Side::before, remarks_);
  emit(relation, Operation::delete_, place, &message.before, nullptr, out, /*partial=*/!whole);
  return {};
}

base::Status Renderer::truncate(const decode::Truncate& message, Place place,
                                std::uint32_t& sequence, BatchBuilder& out) {
  TRY_ASSIGN(auto emptied, relations_.truncated(message.relations, out));
  for (const change::RelationPtr& relation : emptied) {
    place.sequence = sequence++;
    emit(relation, Operation::truncate, place, nullptr, nullptr, out);
  }
  return {};
}

base::Status Renderer::render(const stitch::Stitched& stitched, std::uint32_t& sequence,
                              BatchBuilder& out) {
  clear();
  Place place{.position = stitched.position,
              .context = stitched.context,
              .context_verified = stitched.context_verified,
              .context_number = stitched.context_number,
              .sequence = sequence};
  return std::visit(
      base::Overloaded{
          [&](const decode::RelationMessage& message) {
            return relations_.learn(message, sequence, out);
          },
          [&](const decode::TypeMessage& message) -> base::Status {
            relations_.forget_type(message.oid);
            return {};
          },
          [&](const decode::Insert& message) { return ++sequence, insert(message, place, out); },
          [&](const decode::Update& message) { return ++sequence, update(message, place, out); },
          [&](const decode::Delete& message) { return ++sequence, remove(message, place, out); },
          [&](const decode::Truncate& message) { return truncate(message, place, sequence, out); },
          [&](const decode::LogicalMessage& message) {
            return schema(message, place, sequence, out);
          },
          // The stitcher took what frames a transaction.
          [](const decode::framing auto&) -> base::Status { return {}; },
      },
      stitched.message);
}

void Renderer::render_snapshot(const change::RelationPtr& relation, const decode::Tuple& row,
                               change::Lsn position, std::uint32_t sequence, BatchBuilder& out) {
  clear();
  decode::append_row(after_, *relation, row, nullptr, false, Side::after, remarks_);
  emit(relation, Operation::snapshot,
       {.position = position,
        .context = "{}",
        .context_verified = std::nullopt,
        .context_number = 0,
        .sequence = sequence},
       &row, nullptr, out);
}

}  // namespace bemi::render
