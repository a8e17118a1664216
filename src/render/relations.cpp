// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/relations.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "base/log.hpp"
#include "pg/stored_text.hpp"
#include "render/alteration.hpp"

namespace bemi::render {
namespace {

using change::Oid;
using change::Relation;
using change::RelationPtr;

// The known relation's types, and what else is known of its columns, for the same columns in
// whatever order (a partition may have another than its root); false, and nothing is changed, when
// they are not the same.
bool take_types(const Relation& known, Relation& relation) {
  if (known.columns.size() != relation.columns.size()) return false;
  std::vector<const change::Column*> twins;
  for (const change::Column& column : relation.columns) {
    auto twin = std::ranges::find(known.columns, column.name, &change::Column::name);
    if (twin == known.columns.end() || twin->type_oid != column.type_oid) return false;
    twins.push_back(&*twin);
  }
  for (std::size_t i = 0; i < twins.size(); ++i) {
    change::Column& column = relation.columns[i];
    column.type = twins[i]->type;
    column.number = twins[i]->number;
    column.missing = twins[i]->missing;
    column.missing_exact = twins[i]->missing_exact;
  }
  return true;
}

std::vector<std::string> key_names(const Relation& relation) {
  std::vector<std::string> names;
  for (std::size_t index : relation.primary_key) names.push_back(relation.columns[index].name);
  return names;
}

std::vector<std::string> type_names(const Relation& relation) {
  std::vector<std::string> names;
  for (const change::Column& column : relation.columns) {
    names.push_back(column.type ? column.type->name : "");
  }
  return names;
}

// The names of generated columns that are not sent.
std::vector<std::string> unsent_of(const Relation& relation,
                                   const std::vector<std::string>& generated) {
  std::vector<std::string> names;
  for (const std::string& name : generated) {
    bool is_sent =
        std::ranges::find(relation.columns, name, &change::Column::name) != relation.columns.end();
    if (!is_sent) names.push_back(name);
  }
  return names;
}

// PostgreSQL then sends no old key: a change of the key does not say which row it was.
bool loses_key(const Relation& relation) {
  return relation.identity == change::ReplicaIdentity::index &&
         std::ranges::any_of(relation.primary_key,
                             [&](std::size_t i) { return !relation.columns[i].in_identity; });
}

// Without event triggers a change tells that its table was altered, not when. At the latest look,
// which is not as long ago as this, it was not yet.
change::Covered::Moment look_before(const change::Transaction& transaction) {
  constexpr std::chrono::microseconds margin = std::chrono::seconds(60);
  return {.position = {transaction.commit_position.value - 1},
          .time = {transaction.committed_at.unix_us - margin.count()}};
}

change::Covered covered(const Relation& relation, change::Coverage coverage, Oid membership = 0,
                        std::string gap = {}) {
  return {.relation = relation.root == 0 ? relation.oid : relation.root,
          .schema = relation.schema,
          .table = relation.table,
          .coverage = coverage,
          .membership = membership,
          .gap = std::move(gap)};
}

}  // namespace

void Relations::remember(std::vector<Relation> relations) {
  for (Relation& relation : relations) {
    redactions_.remember(relation);
    know(std::move(relation));
  }
}

// Marks ignored and redacted columns as configured.
base::Result<RelationPtr> Relations::mark(Relation relation) {
  bool unchecked = pg::StoredText::takes_any_byte(catalog_->server_encoding());
  for (change::Column& column : relation.columns) {
    column.unchecked = unchecked;
    column.ignored = selection_->ignores(relation.schema, relation.table, column.name);
  }
  TRY(redactions_.mark(relation));
  return std::make_shared<const Relation>(std::move(relation));
}

// A partition has one root, the one that was told last to have it: a table that became a partition
// itself has none any more.
void Relations::know(Relation relation) {
  for (auto& [oid, other] : known_) {
    if (oid == relation.oid || other.leaves.empty()) continue;
    std::erase_if(other.leaves,
                  [&](Oid leaf) { return std::ranges::binary_search(relation.leaves, leaf); });
  }
  Oid oid = relation.oid;
  known_.insert_or_assign(oid, std::move(relation));
}

// 0: it is not known as a partition.
Oid Relations::root_of(Oid leaf) const {
  auto root = std::ranges::find_if(known_, [&](const auto& known) {
    return std::ranges::binary_search(known.second.leaves, leaf);
  });
  return root == known_.end() ? 0 : root->first;
}

// A partition with other columns than its root was altered with it, and nobody told: a trigger
// failed.
base::Status Relations::mend_root(const Relation& leaf) {
  Oid oid = root_of(leaf.oid);
  Relation twin = leaf;
  if (!has_ddl_messages_ || oid == 0 || take_types(known_.at(oid), twin)) return {};
  auto root = catalog_->read_relation(oid);
  if (!root) return {};
  TRY(complete(*root));
  know(std::move(*root));
  return {};
}

// The told shape holds at this position; without one, the catalog's present shape.
base::Status Relations::name_by_root(Relation& leaf) {
  leaf.root = root_of(leaf.oid);
  if (leaf.root == 0 && !has_ddl_messages_) {
    TRY_ASSIGN(leaf.root, catalog_->root_of(leaf.oid));
  }
  if (leaf.root == 0) return {};
  if (!has_ddl_messages_ || !known_.contains(leaf.root)) {
    auto root = catalog_->read_relation(leaf.root);
    if (!root) {  // gone meanwhile: the rows keep the partition's name
      leaf.root = 0;
      return {};
    }
    TRY(complete(*root));
    know(std::move(*root));
  }
  leaf.schema = known_.at(leaf.root).schema;
  leaf.table = known_.at(leaf.root).table;
  return {};
}

// The source's own description holds at this position. False when none fits.
bool Relations::take_told(Relation& relation) const {
  auto known = known_.find(relation.root == 0 ? relation.oid : relation.root);
  if (!has_ddl_messages_ || known == known_.end() || known->second.assumed) return false;
  if (!take_types(known->second, relation)) return false;
  relation.assumed = false;
  if (relation.root == 0) relation.leaves = known->second.leaves;
  if (known->second.lists_unsent) relation.unsent = known->second.unsent;
  change::set_primary_key(relation, key_names(known->second));
  return true;
}

// The stream names neither the key nor what the types are. Where nothing was told, the catalog of
// now, which may be later than this position, is the best there is: `assumed`.
base::Status Relations::complete(Relation& relation) {
  TRY_ASSIGN(wal::CatalogEntry now, catalog_->look_up(relation.oid));
  relation.unsent = unsent_of(relation, now.generated);
  relation.lists_unsent = true;
  if (take_told(relation)) return {};
  auto known = known_.find(relation.root == 0 ? relation.oid : relation.root);
  bool same = known != known_.end() && take_types(known->second, relation);
  relation.assumed = true;
  if (relation.root == 0) {
    relation.leaves = same && has_ddl_messages_ ? known->second.leaves : now.leaves;
  }
  for (const auto& [name, number] : now.numbers) {
    auto column = std::ranges::find(relation.columns, name, &change::Column::name);
    if (column != relation.columns.end()) column->number = number;
  }
  TRY(catalog_->resolve_types(relation, types_));
  if (now.exists && change::set_primary_key(relation, now.primary_key)) return {};
  if (same) {
    change::set_primary_key(relation, key_names(known->second));
  } else if (relation.identity == change::ReplicaIdentity::default_) {
    for (std::size_t i = 0; i < relation.columns.size(); ++i) {
      if (relation.columns[i].in_identity) relation.primary_key.push_back(i);
    }
  }
  return {};
}

base::Result<RelationPtr> Relations::resolve(Relation relation) {
  TRY(name_by_root(relation));
  relation.tracked = selection_->tracks(relation.schema, relation.table);
  if (relation.tracked) {
    TRY(complete(relation));
    if (relation.root == 0) know(relation);
  }
  return mark(std::move(relation));
}

// The table that the rows of this one are named by, as far as it is known.
std::optional<Relation> Relations::known_of(Oid oid) const {
  Oid root = root_of(oid);
  auto known = known_.find(root == 0 ? oid : root);
  return known == known_.end() ? std::nullopt : std::optional(known->second);
}

base::Status Relations::learn(const decode::RelationMessage& message, std::uint32_t sequence,
                              BatchBuilder& out) {
  TRY(catalog_->wait_until_visible(out.transaction().id));
  Relation sent = message.relation;
  sent.again = !has_ddl_messages_ && described_.contains(sent.oid);
  std::optional<Relation> before = known_of(sent.oid);
  TRY(mend_root(sent));
  TRY_ASSIGN(RelationPtr relation, resolve(sent));
  Oid oid = sent.oid;
  auto earlier = described_.find(oid);
  bool lost =
      loses_key(*relation) || (earlier != described_.end() && loses_key(*earlier->second.relation));
  described_.insert_or_assign(oid, Described{std::move(sent), relation});
  if (!relation->tracked) return {};
  if (lost) {
    out.add_covered(covered(*relation, change::Coverage::broken, 0,
                            "its replica identity leaves its primary key out"));
  }
  // Nobody told what became of the rows that are there.
  std::optional<Relation> now = known_of(oid);
  bool altered =
      before && now && now->assumed && before->oid == now->oid &&
      (!change::same_values(*before, *now) || !std::ranges::includes(now->leaves, before->leaves));
  change::Covered told =
      covered(*relation, altered ? change::Coverage::broken : change::Coverage::mentioned);
  if (altered && !has_ddl_messages_) {
    told.since = look_before(out.transaction());
    told.gap = "it changed, and no event trigger told of it";
  }
  out.add_covered(std::move(told));
  if (relation->root != 0) {
    TRY_ASSIGN(relation, mark(known_.at(relation->root)));
  }
  out.add_described(std::move(relation), sequence);
  return {};
}

base::Result<RelationPtr> Relations::find(Oid oid, const decode::Tuple& tuple) const {
  auto found = described_.find(oid);
  if (found == described_.end()) {
    return base::fail(base::ErrorKind::malformed_message,
                      "a change came before its relation " + std::to_string(oid));
  }
  const RelationPtr& relation = found->second.relation;
  if (!tuple.empty() && tuple.size() != relation->columns.size()) {
    return base::fail(base::ErrorKind::malformed_message,
                      "a change has another number of columns than its relation " +
                          relation->schema + "." + relation->table);
  }
  return relation;
}

base::Result<std::vector<RelationPtr>> Relations::truncated(const std::vector<Oid>& oids,
                                                            BatchBuilder& out) {
  std::vector<RelationPtr> emptied;
  std::map<Oid, std::vector<Oid>> partitions;  // by root
  for (Oid oid : oids) {
    TRY_ASSIGN(RelationPtr relation, find(oid, {}));
    if (!relation->tracked) continue;
    if (relation->root == 0) {
      emptied.push_back(std::move(relation));
    } else {
      partitions[relation->root].push_back(oid);
    }
  }
  for (auto& [root, leaves] : partitions) {
    std::ranges::sort(leaves);
    const Relation& known = known_.at(root);
    if (std::ranges::includes(leaves, known.leaves)) {
      TRY_ASSIGN(RelationPtr whole, mark(known));
      emptied.push_back(std::move(whole));
      continue;
    }
    // Nobody knows which of the root's rows were in them, until they are read again.
    out.add_covered(covered(known, change::Coverage::broken));
    for (Oid leaf : leaves) {
      emptied.push_back(std::make_shared<const Relation>(described_.at(leaf).sent));
    }
  }
  return emptied;
}

// Takes a table's description: it holds from here on.
base::Result<std::optional<Relations::Step>> Relations::take(decode::SchemaChange told,
                                                             std::uint32_t sequence,
                                                             BatchBuilder& out) {
  if (told.publication) {
    doubt_all(out);
    return std::nullopt;
  }
  if (told.leaf != 0 && !complete_partition(told)) return std::nullopt;
  bool of_partition = told.dropped && blame_partition(told);
  if (!told.listed && !of_partition) return std::nullopt;
  Relation& relation = told.relation;
  if (!selection_->tracks(relation.schema, relation.table)) {
    TRY(lose(std::move(told), sequence, out));
    return std::nullopt;
  }
  if (told.unseen) {
    out.add_covered(
        covered(relation, change::Coverage::broken, 0, "it was taken out of the publication"));
    return std::nullopt;
  }
  TRY(catalog_->wait_until_visible(out.transaction().id));
  Step step;
  if (auto known = known_.find(relation.oid); known != known_.end() && !told.empty) {
    TRY_ASSIGN(auto texts, catalog_->type_texts(known->second));
    step.before = decode::schema_json(known->second, texts);
    note_altered(known->second, told, out);
  }
  step.after = decode::schema_change_json(told);
  relation.assumed = false;
  relation.dropped = told.dropped;
  TRY_ASSIGN(step.relation, mark(relation));
  if (told.dropped) {
    known_.erase(relation.oid);
    out.add_described(step.relation, sequence);
    return step;
  }
  know(relation);
  TRY(refresh(relation));
  if (told.empty) out.add_covered(covered(relation, change::Coverage::whole, told.membership));
  out.add_described(step.relation, sequence);
  return step;
}

base::Result<std::vector<Relations::Step>> Relations::relabel(const decode::SchemaChange& told,
                                                              BatchBuilder& out) {
  std::set<Oid> concerned;
  for (Oid oid : told.relabelled) {
    Oid root = root_of(oid);
    concerned.insert(root == 0 ? oid : root);
  }
  std::vector<Step> steps;
  for (Oid oid : concerned) {
    auto known = known_.find(oid);
    if (known == known_.end()) continue;
    const Relation& relation = known->second;
    if (!selection_->tracks(relation.schema, relation.table)) continue;
    out.add_covered(covered(relation, change::Coverage::broken));
    TRY_ASSIGN(auto texts, catalog_->type_texts(relation));
    Step step{
        .relation = {},
        .before = decode::schema_json(relation, texts),
        .after = decode::schema_change_json(
            {.command = told.command, .sql = told.sql, .relation = relation, .type_texts = texts})};
    TRY_ASSIGN(step.relation, mark(relation));
    steps.push_back(std::move(step));
  }
  return steps;
}

// Which rows were left out of the publication meanwhile, nobody knows.
void Relations::doubt_all(BatchBuilder& out) const {
  base::log::warning("somebody changed the publication: changes from that time may be missing");
  for (const auto& [oid, relation] : known_) {
    out.add_covered(
        covered(relation, change::Coverage::broken, 0, "somebody changed the publication"));
  }
}

// A partition that was made is told by itself; the rest is known.
bool Relations::complete_partition(decode::SchemaChange& told) const {
  auto root = known_.find(told.relation.oid);
  if (root == known_.end()) return false;
  told.relation = root->second;
  auto& leaves = told.relation.leaves;
  auto place = std::ranges::lower_bound(leaves, told.leaf);
  if (place == leaves.end() || *place != told.leaf) leaves.insert(place, told.leaf);
  told.type_texts = type_names(told.relation);
  return true;
}

// Whether the rows that are there are still what the history says.
void Relations::note_altered(const Relation& known, const decode::SchemaChange& told,
                             BatchBuilder& out) const {
  const Relation& now = told.relation;
  // A partition that is made is empty; one that is attached or gone took rows with it.
  bool grown = told.command == "CREATE TABLE" && std::ranges::includes(now.leaves, known.leaves);
  bool moved = now.leaves != known.leaves && !grown;
  if (!told.dropped && (moved || told.rewritten || reads_otherwise(known, now) ||
                        !same_key(known, now) || sends_more(known, now))) {
    change::Covered broken = covered(now, change::Coverage::broken, told.membership);
    if (told.unseen_since) {
      broken.since = {told.unseen_since->position, told.unseen_since->time};
      broken.gap = "the event triggers did not see it change";
    }
    out.add_covered(std::move(broken));
  }
  note_detached(known, now, out);
}

// A table that was moved out of what is tracked: what is written from here on is not known.
base::Status Relations::lose(decode::SchemaChange told, std::uint32_t sequence, BatchBuilder& out) {
  auto known = known_.find(told.relation.oid);
  if (known == known_.end()) return {};
  out.add_covered(
      covered(known->second, change::Coverage::broken, 0, "it became a table that is not tracked"));
  base::log::warning("{}.{} is now {}.{}, which is not tracked", known->second.schema,
                     known->second.table, told.relation.schema, told.relation.table);
  known_.erase(known);
  TRY(refresh(told.relation));
  told.relation.assumed = false;
  told.relation.dropped = told.dropped;
  TRY_ASSIGN(RelationPtr lost, mark(std::move(told.relation)));
  out.add_described(std::move(lost), sequence);
  return {};
}

// A partition that is a table again, as it was once, has rows that were stored as its root's.
void Relations::note_detached(const Relation& before, const Relation& now,
                              BatchBuilder& out) const {
  for (Oid leaf : before.leaves) {
    auto own = known_.find(leaf);
    if (own == known_.end() || std::ranges::binary_search(now.leaves, leaf)) continue;
    out.add_covered(covered(own->second, change::Coverage::broken));
  }
}

// A dropped table that was a partition becomes a change of its root. False when it was none.
bool Relations::blame_partition(decode::SchemaChange& told) const {
  Oid leaf = told.relation.oid;
  Oid root = root_of(leaf);
  if (root == 0) return false;
  told.relation = known_.at(root);
  std::erase(told.relation.leaves, leaf);
  told.type_texts = type_names(told.relation);
  told.dropped = false;
  return true;
}

// The stream describes a table again when its columns change, but not when a column's type changes
// within, nor when its root gets another name or other partitions.
base::Status Relations::refresh(const Relation& told) {
  for (auto& [oid, described] : described_) {
    bool concerned = oid == told.oid || described.relation->root == told.oid ||
                     std::ranges::binary_search(told.leaves, oid);
    if (!concerned) continue;
    Relation fresh = described.sent;
    if (oid == told.oid) {
      if (!change::same_columns(fresh, told)) continue;  // a new description is on its way
      fresh.schema = told.schema;
      fresh.table = told.table;
    }
    TRY(name_by_root(fresh));
    fresh.tracked = selection_->tracks(fresh.schema, fresh.table);
    fresh.unsent = described.relation->unsent;
    if (fresh.tracked && !take_told(fresh)) {
      TRY(complete(fresh));
    }
    TRY_ASSIGN(described.relation, mark(std::move(fresh)));
  }
  return {};
}

}  // namespace bemi::render
