// SPDX-License-Identifier: LGPL-3.0-or-later
// The tables as they are at each point of the stream, over a catalog that the test writes.
#include "render/relations.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "render/fake_catalog.hpp"

namespace bemi::render {
namespace {

using change::Coverage;
using change::Relation;
using Keys = std::vector<std::size_t>;

constexpr change::Oid int8 = 20;
constexpr change::Oid varchar = 1043;
constexpr change::Oid root_oid = 16384;
constexpr change::Oid leaf_oid = 16390;
constexpr change::Oid other_leaf = 16391;

decode::SchemaChange told(Relation relation) {
  decode::SchemaChange change{.command = "ALTER TABLE", .sql = "alter table todo", .xid = 7};
  for (const change::Column& column : relation.columns)
    change.type_texts.push_back(column.type ? column.type->name : "");
  change.relation = std::move(relation);
  return change;
}

Relation root() {
  Relation relation = todo();
  relation.leaves = {leaf_oid, other_leaf};
  return relation;
}

Relation leaf(change::Oid oid = leaf_oid) {
  Relation relation = todo();
  relation.oid = oid;
  relation.table = "todo_" + std::to_string(oid);
  return relation;
}

class Knowing : public testing::Test {
 protected:
  explicit Knowing(bool has_ddl_messages = true)
      : relations_(catalog_, selection_, has_ddl_messages) {
    catalog_.tables[root_oid] = todo();
  }

  void learn(const Relation& relation) {
    ASSERT_TRUE(relations_.learn({.relation = sent(relation)}, 0, out_));
  }
  change::RelationPtr find(change::Oid oid) {
    auto found = relations_.find(oid, {});
    EXPECT_TRUE(found);
    return found.value_or(nullptr);
  }
  std::optional<Relations::Step> take(decode::SchemaChange change) {
    auto step = relations_.take(std::move(change), 3, out_);
    EXPECT_TRUE(step);
    return step.value_or(std::nullopt);
  }
  // The batch to store since the last call.
  change::Batch batch() { return out_.take(/*last=*/false); }
  // "table coverage gap" of each.
  std::vector<std::string> covered() {
    std::vector<std::string> all;
    for (const change::Covered& one : batch().covered) {
      const char* coverage = one.coverage == Coverage::whole    ? "whole"
                             : one.coverage == Coverage::broken ? "broken"
                                                                : "mentioned";
      all.push_back(std::to_string(one.relation) + " " + one.schema + "." + one.table + " " +
                    coverage + (one.gap.empty() ? "" : ": " + one.gap));
    }
    return all;
  }

  FakeCatalog catalog_;
  change::Selection selection_ = selection_of(
      {.exclude = {"hidden.*"}, .ignore_columns = {"todo.task"}, .redact_columns = {"secret.*"}});
  Relations relations_;
  BatchBuilder out_{change::Transaction{.id = 77}};
};

class Assuming : public Knowing {
 protected:
  Assuming() : Knowing(/*has_ddl_messages=*/false) {}
};

using Covered = std::vector<std::string>;

// --- what the stream describes ---

TEST_F(Knowing, ADescribedTableHasTypesAndKeyAsTold) {
  relations_.remember({[] {
    Relation known = todo();
    known.assumed = false;
    known.primary_key = {1, 0};
    known.columns[1].missing = "\"none\"";
    return known;
  }()});
  learn(todo());
  change::RelationPtr relation = find(root_oid);
  EXPECT_EQ(relation->primary_key, (Keys{1, 0}));
  EXPECT_FALSE(relation->assumed);
  EXPECT_TRUE(relation->tracked);
  EXPECT_EQ(relation->columns[0].type->oid, int4);
  EXPECT_EQ(relation->columns[1].number, 2);
  EXPECT_EQ(relation->columns[1].missing, "\"none\"");
  EXPECT_TRUE(relation->columns[1].ignored);
  EXPECT_FALSE(relation->columns[0].ignored);
  EXPECT_FALSE(relation->columns[0].unchecked);
  change::Batch stored = batch();
  ASSERT_EQ(stored.described.size(), 1U);
  EXPECT_EQ(stored.described[0].relation->table, "todo");
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].coverage, Coverage::mentioned);
  EXPECT_EQ(catalog_.waited_for, std::vector<std::uint64_t>{77});
}

TEST_F(Knowing, AShapeThatNoMessageToldComesFromTheCatalogAsAssumed) {
  catalog_.generated[root_oid] = {"total", "task"};
  learn(todo());
  change::RelationPtr relation = find(root_oid);
  EXPECT_TRUE(relation->assumed);
  EXPECT_EQ(relation->primary_key, Keys{0});
  EXPECT_EQ(relation->columns[1].type->oid, text_type);
  EXPECT_EQ(relation->columns[1].number, 2);
  EXPECT_EQ(relation->unsent, std::vector<std::string>{"total"}) << "what is sent is not unsent";
}

TEST_F(Knowing, AShapeOfOtherColumnsDoesNotFit) {
  for (bool other_name : {true, false}) {
    Relation known = todo();
    known.assumed = false;
    known.primary_key = {1};
    if (other_name) {
      known.columns[1].name = "chore";
    } else {
      known.columns[1].type_oid = varchar;
    }
    relations_.remember({known});
    learn(todo());
    EXPECT_TRUE(find(root_oid)->assumed);
    EXPECT_EQ(find(root_oid)->primary_key, Keys{0});
  }
  Relation wider = todo();
  wider.assumed = false;
  wider.columns.push_back(column_of("more", int4, 3));
  relations_.remember({wider});
  learn(todo());
  EXPECT_TRUE(find(root_oid)->assumed);
}

// The table is gone from the catalog: what is known of these columns is the best there is.
TEST_F(Knowing, AGoneTableKeepsTheKeyThatWasKnown) {
  catalog_.tables.clear();
  Relation known = todo();
  known.primary_key = {1};
  relations_.remember({known});
  learn(todo());
  EXPECT_EQ(find(root_oid)->primary_key, Keys{1});
  EXPECT_TRUE(find(root_oid)->assumed);
}

TEST_F(Knowing, AnUnknownGoneTableTakesItsIdentityForItsKey) {
  catalog_.tables.clear();
  learn(todo());
  EXPECT_EQ(find(root_oid)->primary_key, Keys{0});
  Relation by_index = todo();
  by_index.oid = 17000;
  by_index.identity = change::ReplicaIdentity::index;
  learn(by_index);
  EXPECT_EQ(find(17000)->primary_key, Keys{});
}

TEST_F(Knowing, ATableThatIsNotTrackedIsOnlyRead) {
  Relation hidden = todo();
  hidden.schema = "hidden";
  learn(hidden);
  EXPECT_FALSE(find(root_oid)->tracked);
  change::Batch stored = batch();
  EXPECT_TRUE(stored.described.empty());
  EXPECT_TRUE(stored.covered.empty());
}

TEST_F(Knowing, TextOfAServerWithoutAnEncodingIsUnchecked) {
  catalog_.encoding = "SQL_ASCII";
  learn(todo());
  EXPECT_TRUE(find(root_oid)->columns[0].unchecked);
}

TEST_F(Knowing, AnErrorOfTheSourceIsHandedOn) {
  catalog_.is_gone = true;
  auto learned = relations_.learn({.relation = sent(todo())}, 0, out_);
  ASSERT_FALSE(learned);
  EXPECT_EQ(learned.error().kind, base::ErrorKind::connection);
}

// --- what a change is read by ---

TEST_F(Knowing, AChangeNeedsItsRelationAndItsWidth) {
  auto missing = relations_.find(root_oid, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, base::ErrorKind::malformed_message);
  EXPECT_EQ(missing.error().message, "a change came before its relation 16384");
  learn(todo());
  EXPECT_TRUE(relations_.find(root_oid, decode::Tuple(2)));
  auto narrow = relations_.find(root_oid, decode::Tuple(1));
  ASSERT_FALSE(narrow);
  EXPECT_EQ(narrow.error().kind, base::ErrorKind::malformed_message);
  EXPECT_EQ(narrow.error().message,
            "a change has another number of columns than its relation public.todo");
}

TEST_F(Assuming, ATableThatIsDescribedAgainMayHaveChangedUnseen) {
  learn(todo());
  EXPECT_FALSE(find(root_oid)->again);
  learn(todo());
  EXPECT_TRUE(find(root_oid)->again);
}

TEST_F(Knowing, WithDdlMessagesASecondDescriptionHidesNoChange) {
  learn(todo());
  learn(todo());
  EXPECT_FALSE(find(root_oid)->again);
}

TEST_F(Assuming, ATableThatGotOtherColumnsUnseenIsBroken) {
  learn(todo());
  EXPECT_EQ(covered(), Covered{"16384 public.todo mentioned"});
  Relation wider = todo();
  wider.columns.push_back(column_of("more", int4, 3));
  learn(wider);
  change::Batch stored = batch();
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].coverage, change::Coverage::broken);
  EXPECT_EQ(stored.covered[0].gap, "it changed, and no event trigger told of it");
  ASSERT_TRUE(stored.covered[0].since) << "since when nobody knows, but not since this change";
  EXPECT_LT(stored.covered[0].since->time, stored.transaction.committed_at);
  learn(wider);
  EXPECT_EQ(covered(), Covered{"16384 public.todo mentioned"});
  wider.columns.back().type_modifier = 8;
  learn(wider);
  EXPECT_EQ(covered(),
            Covered{"16384 public.todo broken: it changed, and no event trigger told of it"});
  learn(wider);
  EXPECT_EQ(covered(), Covered{"16384 public.todo mentioned"});
}

// --- partitions ---

TEST_F(Knowing, APartitionHasTheNameOfItsRoot) {
  Relation known = root();
  known.assumed = false;
  known.primary_key = {1};
  relations_.remember({known});
  learn(leaf());
  change::RelationPtr relation = find(leaf_oid);
  EXPECT_EQ(relation->root, root_oid);
  EXPECT_EQ(relation->table, "todo");
  EXPECT_EQ(relation->oid, leaf_oid);
  EXPECT_EQ(relation->primary_key, Keys{1});
  change::Batch stored = batch();
  ASSERT_EQ(stored.described.size(), 1U);
  EXPECT_EQ(stored.described[0].relation->oid, root_oid) << "what is recorded is the root";
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].relation, root_oid);
}

TEST_F(Assuming, APartitionThatTheCatalogKnowsHasItsRootsName) {
  catalog_.roots[leaf_oid] = root_oid;
  catalog_.tables[leaf_oid] = leaf();
  learn(leaf());
  EXPECT_EQ(find(leaf_oid)->root, root_oid);
  EXPECT_EQ(find(leaf_oid)->table, "todo");
  EXPECT_TRUE(find(leaf_oid)->assumed);
}

TEST_F(Assuming, ARootThatIsGoneLeavesThePartitionItsName) {
  catalog_.roots[leaf_oid] = 5;
  learn(leaf());
  EXPECT_EQ(find(leaf_oid)->table, "todo_16390");
}

TEST_F(Knowing, APartitionAlteredUnseenTakesItsRootAlong) {
  Relation known = root();
  known.assumed = false;
  relations_.remember({known});
  Relation wider = root();
  wider.columns.push_back(column_of("more", int4, 3));
  catalog_.tables[root_oid] = wider;
  Relation part = leaf();
  part.columns.push_back(column_of("more", int4, 3));
  learn(part);
  EXPECT_EQ(find(leaf_oid)->columns.size(), 3U);
  change::Batch stored = batch();
  ASSERT_EQ(stored.described.size(), 1U);
  EXPECT_EQ(stored.described[0].relation->columns.size(), 3U);
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].coverage, Coverage::broken);
}

TEST_F(Knowing, EmptyingAllPartitionsEmptiesTheRoot) {
  relations_.remember({root()});
  learn(leaf());
  learn(leaf(other_leaf));
  batch();
  auto emptied = relations_.truncated({other_leaf, leaf_oid}, out_);
  ASSERT_TRUE(emptied);
  ASSERT_EQ(emptied->size(), 1U);
  EXPECT_EQ((*emptied)[0]->oid, root_oid);
  EXPECT_EQ(covered(), Covered{});
}

TEST_F(Knowing, OneEmptiedPartitionBreaksTheRoot) {
  relations_.remember({root()});
  learn(leaf());
  batch();
  auto emptied = relations_.truncated({leaf_oid}, out_);
  ASSERT_TRUE(emptied);
  ASSERT_EQ(emptied->size(), 1U);
  EXPECT_EQ((*emptied)[0]->table, "todo_16390");
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
}

TEST_F(Knowing, TruncateTellsOfTrackedTablesAlone) {
  learn(todo());
  Relation hidden = todo();
  hidden.oid = 17000;
  hidden.schema = "hidden";
  learn(hidden);
  batch();
  auto emptied = relations_.truncated({17000, root_oid}, out_);
  ASSERT_TRUE(emptied);
  ASSERT_EQ(emptied->size(), 1U);
  EXPECT_EQ((*emptied)[0]->oid, root_oid);
  EXPECT_FALSE(relations_.truncated({5}, out_));
}

// --- DDL that was told ---

TEST_F(Knowing, DdlIsAStepFromShapeToShape) {
  relations_.remember({todo()});
  Relation wider = todo();
  wider.columns.push_back(column_of("more", int4, 3));
  auto step = take(told(wider));
  ASSERT_TRUE(step);
  EXPECT_EQ(step->before,
            R"({"columns":[{"name":"id","type":"type 23"},{"name":"task","type":"type 25"}],)"
            R"("primary_key":["id"],"schema":"public","table":"todo"})");
  EXPECT_EQ(step->after,
            R"({"columns":[{"name":"id","type":"integer"},{"name":"task","type":"text"},)"
            R"({"name":"more","type":"integer"}],"command":"ALTER TABLE","primary_key":["id"],)"
            R"("schema":"public","sql":"alter table todo","table":"todo"})");
  EXPECT_FALSE(step->relation->assumed);
  change::Batch stored = batch();
  ASSERT_EQ(stored.described.size(), 1U);
  EXPECT_EQ(stored.described[0].sequence, 3U);
  EXPECT_TRUE(stored.covered.empty()) << "a column more leaves the rows as they were";
}

TEST_F(Knowing, ANewTableIsKnownWhole) {
  auto change = told(todo());
  change.empty = true;
  change.membership = 9;
  auto step = take(change);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->before, "");
  change::Batch stored = batch();
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].coverage, Coverage::whole);
  EXPECT_EQ(stored.covered[0].membership, 9U);
}

TEST_F(Knowing, ARewrittenTableIsBroken) {
  relations_.remember({todo()});
  auto change = told(todo());
  change.rewritten = true;
  change.membership = 9;
  take(change);
  change::Batch stored = batch();
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].coverage, Coverage::broken);
  EXPECT_EQ(stored.covered[0].membership, 9U);
  EXPECT_EQ(stored.covered[0].gap, "");
  EXPECT_FALSE(stored.covered[0].since);
}

TEST_F(Knowing, AChangeThatTheTriggersMissedIsAGapSinceTheirLastLook) {
  relations_.remember({todo()});
  auto change = told(todo());
  change.rewritten = true;
  change.unseen_since = decode::UnseenSince{.time = {5}, .position = {50}};
  take(change);
  change::Batch stored = batch();
  ASSERT_EQ(stored.covered.size(), 1U);
  ASSERT_TRUE(stored.covered[0].since);
  EXPECT_EQ(stored.covered[0].since->position.value, 50U);
  EXPECT_EQ(stored.covered[0].since->time, base::Timestamp{5});
  EXPECT_EQ(stored.covered[0].gap, "the event triggers did not see it change");
}

// With another key the rows of before have other names.
TEST_F(Knowing, AnotherKeyBreaksTheTable) {
  relations_.remember({todo()});
  Relation rekeyed = todo();
  rekeyed.primary_key = {1};
  take(told(rekeyed));
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
  rekeyed.primary_key = {0, 1};
  take(told(rekeyed));
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
}

TEST_F(Knowing, ARenamedKeyColumnIsTheSameKey) {
  relations_.remember({todo()});
  Relation renamed = todo();
  renamed.columns[0].name = "number";
  take(told(renamed));
  EXPECT_EQ(covered(), Covered{});
  // Unless nobody knows the columns' numbers.
  Relation unnumbered = todo();
  unnumbered.columns[1].number = 0;
  take(told(unnumbered));
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
}

TEST_F(Knowing, ATypeThatReadsTheSameIsNoBreak) {
  relations_.remember({todo()});
  Relation retyped = todo();
  retyped.columns[1] = column_of("task", varchar, 2);
  take(told(retyped));
  EXPECT_EQ(covered(), Covered{});
  retyped.columns[1] = column_of("task", int8, 2);
  take(told(retyped));
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
}

TEST_F(Knowing, ElementsAndAttributesOfTypesCountToo) {
  auto with_type = [](change::Type type) {
    Relation relation = todo();
    relation.columns[1].type = std::make_shared<change::Type>(std::move(type));
    return relation;
  };
  change::TypePtr text = column_of("", text_type, 0).type;
  change::TypePtr number = column_of("", int4, 0).type;
  auto pair = [&](const std::string& name, const change::TypePtr& type) {
    return with_type({.oid = 20000,
                      .form = change::JsonForm::composite,
                      .attributes = {{.name = name, .type = type}}});
  };
  auto list = [&](const change::TypePtr& element) {
    return with_type({.oid = 20001, .form = change::JsonForm::array, .element = element});
  };
  auto becomes = [&](const Relation& before, const Relation& after) {
    relations_.remember({before});
    take(told(after));
    return covered();
  };
  Covered broken{"16384 public.todo broken"};
  EXPECT_EQ(becomes(pair("x", text), pair("x", text)), Covered{});
  EXPECT_EQ(becomes(pair("x", text), pair("y", text)), broken);
  EXPECT_EQ(becomes(pair("x", text), pair("x", number)), broken);
  EXPECT_EQ(becomes(list(text), list(text)), Covered{});
  EXPECT_EQ(becomes(list(text), list(number)), broken);
  EXPECT_EQ(becomes(with_type({.oid = 20002}),
                    with_type({.oid = 20002, .form = change::JsonForm::number})),
            broken);
  Relation unnumbered = pair("y", text);
  unnumbered.columns[1].number = 0;
  EXPECT_EQ(becomes(pair("x", text), unnumbered), Covered{}) << "it is another column";
}

TEST_F(Knowing, ADroppedTableIsForgotten) {
  relations_.remember({todo()});
  auto change = told({.oid = root_oid, .schema = "public", .table = "todo", .columns = {}});
  change.dropped = true;
  auto step = take(change);
  ASSERT_TRUE(step);
  EXPECT_NE(step->before, "");
  EXPECT_TRUE(step->relation->dropped);
  EXPECT_EQ(covered(), Covered{});
  take(told(todo()));
  EXPECT_EQ(covered(), Covered{}) << "one of this name begins anew";
}

TEST_F(Knowing, APartitionThatIsMadeIsNoBreak) {
  relations_.remember({root()});
  learn(leaf());
  batch();
  auto change = told({.oid = root_oid, .schema = "public", .table = "todo", .columns = {}});
  change.command = "CREATE TABLE";
  change.leaf = 16389;
  auto step = take(change);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->relation->leaves, (std::vector<change::Oid>{16389, leaf_oid, other_leaf}));
  EXPECT_EQ(step->relation->columns.size(), 2U);
  EXPECT_EQ(covered(), Covered{});
  change.leaf = 16389;
  EXPECT_EQ(take(change)->relation->leaves.size(), 3U) << "told again it is the same";
  change.relation.oid = 5;
  EXPECT_FALSE(take(change)) << "of a table that nobody knows";
}

TEST_F(Knowing, APartitionThatIsAttachedOrGoneTookRowsWithIt) {
  relations_.remember({root()});
  Relation grown = root();
  grown.leaves.push_back(16392);
  take(told(grown));
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
  Relation shrunk = root();
  shrunk.leaves = {leaf_oid};
  auto change = told(shrunk);
  change.command = "CREATE TABLE";
  take(change);
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
}

TEST_F(Knowing, ADetachedPartitionThatWasATableIsBrokenToo) {
  Relation own = leaf();
  relations_.remember({root(), own});
  Relation shrunk = root();
  shrunk.leaves = {other_leaf};
  take(told(shrunk));
  EXPECT_EQ(covered(), (Covered{"16384 public.todo broken", "16390 public.todo_16390 broken"}));
}

TEST_F(Knowing, ADroppedPartitionIsAChangeOfItsRoot) {
  relations_.remember({root()});
  auto change = told({.oid = leaf_oid, .schema = "public", .table = "todo_16390", .columns = {}});
  change.dropped = true;
  change.listed = false;
  auto step = take(change);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->relation->oid, root_oid);
  EXPECT_FALSE(step->relation->dropped);
  EXPECT_EQ(step->relation->leaves, std::vector<change::Oid>{other_leaf});
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken"});
}

TEST_F(Knowing, ATableThatIsNotListedIsNoChange) {
  auto change = told(leaf());
  change.listed = false;
  EXPECT_FALSE(take(change));
  change.dropped = true;
  EXPECT_FALSE(take(change)) << "and it was nobody's partition";
  EXPECT_TRUE(batch().described.empty());
}

TEST_F(Knowing, ATableTakenOutOfThePublicationHasAGap) {
  relations_.remember({todo()});
  auto change = told(todo());
  change.unseen = true;
  EXPECT_FALSE(take(change));
  EXPECT_EQ(covered(), Covered{"16384 public.todo broken: it was taken out of the publication"});
}

TEST_F(Knowing, AChangedPublicationIsAGapOfEveryTable) {
  Relation other = todo();
  other.oid = 17000;
  other.table = "other";
  relations_.remember({todo(), other});
  EXPECT_FALSE(take({.publication = true}));
  Covered all = covered();
  std::ranges::sort(all);
  EXPECT_EQ(all, (Covered{"16384 public.todo broken: somebody changed the publication",
                          "17000 public.other broken: somebody changed the publication"}));
}

TEST_F(Knowing, ATableMovedOutOfWhatIsTrackedEndsWithAGap) {
  relations_.remember({todo()});
  learn(todo());
  batch();
  Relation moved = todo();
  moved.schema = "hidden";
  EXPECT_FALSE(take(told(moved)));
  change::Batch stored = batch();
  ASSERT_EQ(stored.covered.size(), 1U);
  EXPECT_EQ(stored.covered[0].schema, "public");
  EXPECT_EQ(stored.covered[0].gap, "it became a table that is not tracked");
  ASSERT_EQ(stored.described.size(), 1U);
  EXPECT_EQ(stored.described[0].relation->schema, "hidden");
  EXPECT_FALSE(stored.described[0].relation->assumed);
  EXPECT_FALSE(find(root_oid)->tracked);
  // Now that it is not known, there is nothing to lose.
  EXPECT_FALSE(take(told(moved)));
  EXPECT_TRUE(batch().described.empty());
}

// --- a table that is described already is read again ---

TEST_F(Knowing, ARenamedTableIsReadByItsNewName) {
  relations_.remember({todo()});
  learn(todo());
  Relation renamed = todo();
  renamed.table = "done";
  renamed.primary_key = {1};
  take(told(renamed));
  EXPECT_EQ(find(root_oid)->table, "done");
  EXPECT_EQ(find(root_oid)->primary_key, Keys{1});
}

TEST_F(Knowing, ATableWithOtherColumnsWaitsForItsDescription) {
  relations_.remember({todo()});
  learn(todo());
  Relation wider = todo();
  wider.table = "done";
  wider.columns.push_back(column_of("more", int4, 3));
  take(told(wider));
  EXPECT_EQ(find(root_oid)->table, "todo");
  learn(wider);
  EXPECT_EQ(find(root_oid)->table, "done");
  EXPECT_FALSE(find(root_oid)->assumed);
}

TEST_F(Knowing, PartitionsFollowTheirRootsName) {
  relations_.remember({root()});
  learn(leaf());
  Relation renamed = root();
  renamed.table = "done";
  take(told(renamed));
  EXPECT_EQ(find(leaf_oid)->table, "done");
}

TEST_F(Knowing, OtherTablesStayAsTheyAre) {
  relations_.remember({todo()});
  learn(todo());
  Relation other = todo();
  other.oid = 17000;
  other.table = "other";
  other.primary_key = {1};
  take(told(other));
  EXPECT_EQ(find(root_oid)->table, "todo");
  EXPECT_EQ(find(root_oid)->primary_key, Keys{0});
}

TEST_F(Knowing, AMessageSaysFromWhereOnAColumnIsUnsent) {
  relations_.remember({todo()});
  learn(todo());
  Relation now = todo();
  now.unsent = {"total"};
  take(told(now));
  EXPECT_EQ(find(root_oid)->unsent, now.unsent);
  for (const change::Covered& one : batch().covered)
    EXPECT_NE(one.coverage, Coverage::broken) << "its rows have the same values as before";
}

TEST_F(Knowing, TheCatalogSaysWhatIsUnsentWhereAnOlderReleaseTold) {
  catalog_.generated[root_oid] = {"total"};
  Relation older = todo();
  older.lists_unsent = false;
  relations_.remember({older});
  learn(todo());
  take(told(older));
  EXPECT_EQ(find(root_oid)->unsent, std::vector<std::string>{"total"});
}

TEST_F(Knowing, AColumnThatIsGeneratedNoMoreHasValuesThatNobodySent) {
  Relation before = todo();
  before.unsent = {"total"};
  relations_.remember({before});
  Relation now = todo();
  now.columns.push_back(column_of("total", int4, 3));
  take(told(now));
  change::Batch stored = batch();
  ASSERT_FALSE(stored.covered.empty());
  EXPECT_EQ(stored.covered.back().coverage, Coverage::broken);
}

TEST_F(Assuming, AGeneratedColumnThatCameUnseenBreaksTheTable) {
  catalog_.generated[root_oid] = {"total"};
  for (bool listed : {true, false}) {
    Relation before = todo();
    before.lists_unsent = listed;
    relations_.remember({before});
    learn(todo());
    change::Batch stored = batch();
    ASSERT_FALSE(stored.covered.empty());
    EXPECT_EQ(stored.covered.back().coverage, listed ? Coverage::broken : Coverage::mentioned);
  }
}

}  // namespace
}  // namespace bemi::render
