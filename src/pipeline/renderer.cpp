// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/renderer.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "decode/schema_change.hpp"

namespace pipeline {
namespace {

using change::Operation;
using decode::OldKind;
using decode::Side;

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};

// The columns' numbers, or their names where those are not known.
std::vector<std::string> key_of(const change::Relation& relation, bool by_number) {
  std::vector<std::string> key;
  for (std::size_t index : relation.primary_key) {
    const change::Column& column = relation.columns[index];
    key.push_back(by_number ? std::to_string(column.number) : column.name);
  }
  return key;
}

// A row's key is its name: with another key the rows of before have other names.
bool same_key(const change::Relation& left, const change::Relation& right) {
  auto numbered = [](const change::Relation& relation) {
    return std::ranges::all_of(relation.columns, &change::Column::number);
  };
  bool by_number = numbered(left) && numbered(right);
  return key_of(left, by_number) == key_of(right, by_number);
}

}  // namespace

<<<<<<< HEAD
// DDL of a tracked table that was told.
=======
void Renderer::remember(std::vector<change::Relation> relations) {
  for (change::Relation& relation : relations) {
    change::Oid oid = relation.oid;
    known_.insert_or_assign(oid, std::move(relation));
  }
}

// As the configuration says.
base::Result<change::RelationPtr> Renderer::mark(change::Relation relation) {
  for (change::Column& column : relation.columns) {
    column.ignored = selection_->ignores(relation.schema, relation.table, column.name);
    column.redacted = selection_->redacts(relation.schema, relation.table, column.name);
  }
  for (std::size_t index : relation.primary_key) {
    if (!relation.columns[index].redacted) continue;
    return base::fail(base::ErrorKind::usage,
                      "--redact-column covers the primary key of " + relation.schema + "." +
                          relation.table + ", which names its rows",
                      "leave " + relation.columns[index].name + " out of --redact-column");
  }
  return std::make_shared<const change::Relation>(std::move(relation));
}

// The stream names neither the key nor what the types are. When it tells of DDL, what it told last
// holds; else the catalog of now, which may be later than this position, is the best there is:
// `assumed`.
base::Status Renderer::complete(change::Relation& relation) {
  auto known = known_.find(relation.oid);
  bool same = known != known_.end() && change::same_columns(known->second, relation);
  TRY_ASSIGN(wal::CatalogEntry now, wal::look_up(*catalog_, relation.oid));
  for (std::string& name : now.unsent) {
    if (std::ranges::find(relation.columns, name, &change::Column::name) == relation.columns.end())
      relation.unsent.push_back(std::move(name));
  }
  relation.leaves = same && told_ ? known->second.leaves : now.leaves;
  relation.assumed = !(told_ && same && !known->second.assumed);
  if (!relation.assumed) {
    relation.primary_key = known->second.primary_key;
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      relation.columns[i].type = known->second.columns[i].type;
      relation.columns[i].number = known->second.columns[i].number;
      relation.columns[i].missing = known->second.columns[i].missing;
      relation.columns[i].missing_exact = known->second.columns[i].missing_exact;
    }
    return {};
  }
  for (const auto& [name, number] : now.numbers) {
    auto column = std::ranges::find(relation.columns, name, &change::Column::name);
    if (column != relation.columns.end()) column->number = number;
  }
  TRY(wal::resolve_types(*catalog_, relation, types_));
  if (now.exists && change::set_primary_key(relation, now.primary_key)) return {};
  if (same) {
    relation.primary_key = known->second.primary_key;
  } else if (relation.identity == change::ReplicaIdentity::default_) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      if (relation.columns[i].in_identity) relation.primary_key.push_back(i);
    }
  }
  return {};
}

base::Result<change::RelationPtr> Renderer::resolve(change::Relation relation) {
  relation.tracked = selection_->tracks(relation.schema, relation.table);
  if (relation.tracked) {
    TRY(complete(relation));
    known_.insert_or_assign(relation.oid, relation);
  }
  return mark(std::move(relation));
}

base::Status Renderer::learn(const decode::RelationMessage& message, std::uint32_t sequence,
                             BatchBuilder& out) {
  TRY(wal::wait_until_visible(*catalog_, out.transaction().id));
  change::Relation described = message.relation;
  described.again = !told_ && relations_.contains(described.oid);
  auto known = known_.find(described.oid);
  // Nobody told what became of the rows that are there.
  bool altered = known != known_.end() && !change::same_columns(known->second, described);
  TRY_ASSIGN(change::RelationPtr relation, resolve(std::move(described)));
  relations_[relation->oid] = relation;
  if (relation->tracked) {
    bool broken = altered && relation->assumed;
    out.add_covered(
        {.relation = relation->oid,
         .schema = relation->schema,
         .table = relation->table,
         .coverage = broken ? change::Coverage::broken : change::Coverage::mentioned});
    out.add_described(std::move(relation), sequence);
  }
  return {};
}

// What was told of a table: from here on it is so.
>>>>>>> 98ed1ac (Follow tables through renames and shapes, and show the past as views for an application's own queries)
base::Status Renderer::schema(const decode::LogicalMessage& message, const Place& place,
                              BatchBuilder& out) {
  auto told = decode::parse_schema_change(message.content);
  ASSERT(told.has_value());
<<<<<<< HEAD
  TRY_ASSIGN(auto step, relations_.take(std::move(*told), out));
  if (!step) return {};
  before_ = std::move(step->before);
  after_ = std::move(step->after);
  emit(step->relation, Operation::schema, place, nullptr, nullptr, out);
=======
  if (!told->listed && !blame_partition(*told)) return {};
  change::Relation& relation = told->relation;
  if (!selection_->tracks(relation.schema, relation.table)) return {};
  if (told->unseen) {
    out.add_covered({.relation = relation.oid,
                     .schema = relation.schema,
                     .table = relation.table,
                     .coverage = change::Coverage::broken});
    return {};
  }
  TRY(wal::wait_until_visible(*catalog_, out.transaction().id));
  bool broken = false;
  if (auto known = known_.find(relation.oid); known != known_.end() && !told->empty) {
    TRY_ASSIGN(auto texts, wal::type_texts(*catalog_, known->second));
    before_ = decode::schema_json(known->second, texts);
    // A partition that is made is empty; one that is attached or gone took rows with it.
    bool grown = told->command == "CREATE TABLE" &&
                 std::ranges::includes(relation.leaves, known->second.leaves);
    bool moved = relation.leaves != known->second.leaves && !grown;
    broken = !told->dropped &&
             (moved || told->rewritten || !same_key(known->second, relation));
  }
  after_ = decode::schema_change_json(*told);
  if (broken) {
    out.add_covered({.relation = relation.oid,
                     .schema = relation.schema,
                     .table = relation.table,
                     .coverage = change::Coverage::broken,
                     .membership = told->membership});
  }
  if (told->dropped) {
    known_.erase(relation.oid);
    relation.dropped = true;
    relation.assumed = false;
    out.add_described(std::make_shared<const change::Relation>(relation), place.sequence);
    emit(std::make_shared<const change::Relation>(relation), Operation::schema, place, nullptr,
         nullptr, out);
    return {};
  }
  return adopt(std::move(*told), place, out);
}

// A dropped table that was a partition becomes a change of its root. False when it was none.
bool Renderer::blame_partition(decode::SchemaChange& told) const {
  change::Oid leaf = told.relation.oid;
  auto root = std::ranges::find_if(known_, [&](const auto& known) {
    return std::ranges::binary_search(known.second.leaves, leaf);
  });
  if (root == known_.end()) return false;
  told.relation = root->second;
  std::erase(told.relation.leaves, leaf);
  told.type_texts.clear();
  for (const change::Column& column : told.relation.columns) {
    told.type_texts.push_back(column.type ? column.type->name : "");
  }
  told.dropped = false;
  return true;
}

base::Status Renderer::adopt(decode::SchemaChange told, const Place& place, BatchBuilder& out) {
  change::Relation& relation = told.relation;
  relation.assumed = false;
  known_.insert_or_assign(relation.oid, relation);
  // The stream describes a table anew when its columns change, but not when a type of theirs does.
  auto described = relations_.find(relation.oid);
  if (described != relations_.end() && change::same_columns(*described->second, relation)) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      relation.columns[i].in_identity = described->second->columns[i].in_identity;
    }
    relation.unsent = described->second->unsent;
    TRY_ASSIGN(described->second, mark(relation));
  }
  if (told.empty) {
    out.add_covered({.relation = relation.oid,
                     .schema = relation.schema,
                     .table = relation.table,
                     .coverage = change::Coverage::whole,
                     .membership = told.membership});
  }
  auto shared = std::make_shared<const change::Relation>(relation);
  out.add_described(shared, place.sequence);
  emit(shared, Operation::schema, place, nullptr, nullptr, out);
>>>>>>> 98ed1ac (Follow tables through renames and shapes, and show the past as views for an application's own queries)
  return {};
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
                        .partial = partial};
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
  if (place.context != "{}" && !place.context.empty())
    change.context = out.keep_context(place.context);
  change.exact = out.keep_copy(remarks_.exact.text());
  change.fidelity = out.keep_copy(remarks_.fidelity.text());
  out.add(change);
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
  Place place{stitched.position, stitched.context, sequence};
  return std::visit(
      Overloaded{
<<<<<<< HEAD
          [&](const decode::RelationMessage& message) { return relations_.learn(message, out); },
=======
          [&](const decode::RelationMessage& message) { return learn(message, sequence, out); },
>>>>>>> 98ed1ac (Follow tables through renames and shapes, and show the past as views for an application's own queries)
          [&](const decode::TypeMessage& message) -> base::Status {
            relations_.forget_type(message.oid);
            return {};
          },
          [&](const decode::Insert& message) { return ++sequence, insert(message, place, out); },
          [&](const decode::Update& message) { return ++sequence, update(message, place, out); },
          [&](const decode::Delete& message) { return ++sequence, remove(message, place, out); },
          [&](const decode::Truncate& message) { return truncate(message, place, sequence, out); },
          [&](const decode::LogicalMessage& message) {
            return ++sequence, schema(message, place, out);
          },
          [](const auto&) -> base::Status { return {}; },
      },
      stitched.message);
}

void Renderer::render_snapshot(const change::RelationPtr& relation, const decode::Tuple& row,
                               change::Lsn position, std::uint32_t sequence, BatchBuilder& out) {
  clear();
  decode::append_row(after_, *relation, row, nullptr, false, Side::after, remarks_);
  emit(relation, Operation::snapshot, {position, "{}", sequence}, &row, nullptr, out);
}

}  // namespace pipeline
