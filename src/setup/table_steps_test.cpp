// SPDX-License-Identifier: LGPL-3.0-or-later
// Which steps a table needs before it is tracked: the replica identity first, and never one by
// which the application's own updates would fail or become dear.
#include "setup/table_steps.hpp"

#include <gtest/gtest.h>

namespace bemi::setup {
namespace {

using change::ReplicaIdentity;
using wal::Table;

// With a primary key, not published yet.
Table todo() {
  return {.oid = 16384,
          .schema = "public",
          .name = "todo",
          .has_primary_key = true,
          .identified = true,
          .key_identifies = true,
          .usable_index = "todo_pkey"};
}

Table with_full() {
  Table table = todo();
  table.identity = ReplicaIdentity::full;
  return table;
}

Settings settings() {
  Settings made;
  made.source_name = "shop";
  made.publication = "bemi_shop";
  return made;
}

std::vector<std::string> statements(const std::vector<Table>& tables,
                                    const Settings& wanted = settings(),
                                    const Record& record = {}) {
  std::vector<std::string> all;
  for (const Step& step : steps_to_publish(tables, record, wanted)) {
    EXPECT_FALSE(step.what.empty());
    EXPECT_FALSE(step.optional);
    all.push_back(step.sql);
  }
  return all;
}

using Statements = std::vector<std::string>;
const std::string full = R"(alter table only "public"."todo" replica identity full)";
const std::string by_default = R"(alter table only "public"."todo" replica identity default)";
const std::string by_index =
    R"(alter table only "public"."todo" replica identity using index "todo_code")";
const std::string publish = R"(alter publication "bemi_shop" add table only "public"."todo")";
const std::string leave = R"(alter publication "bemi_shop" drop table only "public"."todo")";

TEST(Plan, ANewTableGetsItsIdentityBeforeItIsPublished) {
  EXPECT_EQ(statements({todo()}), (Statements{full, publish}));
}

TEST(Plan, ATableThatHasAllNeedsNothing) {
  Table table = with_full();
  table.published = true;
  EXPECT_EQ(statements({table}), Statements{});
}

TEST(Plan, ATableThatHasFullIsOnlyPublished) {
  EXPECT_EQ(statements({with_full()}), Statements{publish});
}

// FULL would write its large values into WAL at every update.
TEST(Plan, AWideTableKeepsItsIdentity) {
  Table table = todo();
  table.wide_toast = true;
  EXPECT_EQ(statements({table}), Statements{publish});
  // Without any identity its own updates would fail once it is published.
  table.identified = false;
  EXPECT_EQ(statements({table}), (Statements{full, publish}));
}

TEST(Plan, ThePolicyKeepLeavesTheIdentity) {
  Settings keep = settings();
  keep.identity = IdentityPolicy::keep;
  EXPECT_EQ(statements({todo()}, keep), Statements{publish});
  Table table = todo();
  table.identified = false;
  EXPECT_EQ(statements({table}, keep), (Statements{full, publish}));
}

TEST(Plan, ATableNeitherTrackedNorPublishedIsLeftAlone) {
  Table table = todo();
  table.tracked = false;
  EXPECT_EQ(statements({table}), Statements{});
  table.identified = false;
  EXPECT_EQ(statements({table}), Statements{});
}

// Another's table in our publication keeps its identity, but must not be stuck.
TEST(Plan, APublishedTableThatIsNotTrackedGetsFullOnlyWhenItHasNothing) {
  Table table = todo();
  table.tracked = false;
  table.published = true;
  EXPECT_EQ(statements({table}), Statements{});
  table.identified = false;
  EXPECT_EQ(statements({table}), Statements{full});
}

TEST(Plan, AnUnloggedTableIsNeverPublished) {
  Table table = todo();
  table.unlogged = true;
  EXPECT_FALSE(may_be_published(table));
  EXPECT_EQ(statements({table}), Statements{});
  table.virtual_columns = true;
  table.identity = ReplicaIdentity::full;
  EXPECT_EQ(statements({table}), Statements{});
}

TEST(Plan, FullDoesNotGoWithVirtualColumns) {
  Table table = todo();
  table.virtual_columns = true;
  EXPECT_TRUE(may_be_published(table));
  EXPECT_EQ(statements({table}), Statements{publish});
}

TEST(Plan, ATableWhoseColumnBecameVirtualGoesBackToItsKey) {
  Table table = with_full();
  table.published = true;
  table.virtual_columns = true;
  EXPECT_EQ(statements({table}), Statements{by_default});
}

TEST(Plan, ATableWhoseKeyIdentifiesNothingGoesBackToAnIndex) {
  Table table = with_full();
  table.narrow_publication = "theirs";
  table.key_identifies = false;
  table.usable_index = "todo_code";
  EXPECT_EQ(statements({table}), (Statements{by_index, publish}));
}

TEST(Plan, ATableThatNothingIdentifiesLeavesThePublication) {
  Table table = with_full();
  table.published = true;
  table.virtual_columns = true;
  table.usable_index = "";
  EXPECT_FALSE(may_be_published(table));
  EXPECT_EQ(statements({table}), Statements{leave});
  table.published = false;
  EXPECT_EQ(statements({table}), Statements{});
}

TEST(Plan, APartitionLeavesByItsRootAndOnlyOnce) {
  Table part = with_full();
  part.name = "todo_1";
  part.published = true;
  part.virtual_columns = true;
  part.usable_index = "";
  part.is_partition = true;
  part.root_schema = "public";
  part.root_name = "todo";
  Table other = part;
  other.name = "todo_2";
  EXPECT_EQ(statements({part, other}), Statements{leave});
}

TEST(Plan, APartitionIsPublishedByItsRootAlone) {
  Table part = todo();
  part.name = "todo_1";
  part.is_partition = true;
  part.root_schema = "public";
  part.root_name = "todo";
  Table root = with_full();
  root.is_partitioned = true;
  EXPECT_EQ(statements({root, part}),
            (Statements{R"(alter table only "public"."todo_1" replica identity full)", publish}));
}

TEST(Plan, OnePartitionThatWouldSufferKeepsTheRootOut) {
  Table root = with_full();
  root.is_partitioned = true;
  Table part = with_full();
  part.name = "todo_1";
  part.is_partition = true;
  part.root_schema = "public";
  part.root_name = "todo";
  part.virtual_columns = true;
  part.usable_index = "";
  EXPECT_EQ(statements({root, part}), Statements{});
  // Unlogged tables are not sent, whatever they have; partitions of another table do not count.
  part.unlogged = true;
  EXPECT_EQ(statements({root, part}), Statements{publish});
  part.unlogged = false;
  part.root_name = "other";
  EXPECT_EQ(statements({root, part}), Statements{publish});
  part.root_name = "todo";
  part.root_schema = "other";
  EXPECT_EQ(statements({root, part}), Statements{publish});
  part.root_schema = "public";
  part.is_partition = false;
  EXPECT_EQ(statements({root, part}), Statements{publish});
}

TEST(Plan, ANarrowedTableIsPublishedWhole) {
  Table table = with_full();
  table.published = true;
  table.narrowed = true;
  EXPECT_EQ(statements({table}), Statements{leave + "; " + publish});
  table.tracked = false;
  EXPECT_EQ(statements({table}), Statements{});
}

TEST(Plan, ANarrowedTableThatIsStuckOnlyLeaves) {
  Table table = with_full();
  table.published = true;
  table.narrowed = true;
  table.virtual_columns = true;
  table.usable_index = "";
  EXPECT_EQ(statements({table}), Statements{leave});
}

TEST(Plan, NamesAreQuoted) {
  Table table = with_full();
  table.schema = "Other Schema";
  table.name = "od\"d";
  Settings wanted = settings();
  wanted.publication = "my \"own\"";
  EXPECT_EQ(statements({table}, wanted),
            Statements{R"(alter publication "my ""own""" add table only "Other Schema"."od""d")"});
}

TEST(Plan, NotesTheFormerIdentityWhereThatCanBeNoted) {
  Record writable{.is_there = true, .may_be_written = true};
  Record closed{.is_there = true, .may_be_made = true};
  Record to_be_made{.may_be_made = true};
  for (const Record& record : {writable, to_be_made}) {
    auto noted = statements({todo()}, settings(), record);
    ASSERT_EQ(noted.size(), 2U);
    EXPECT_TRUE(noted[0].contains("_bemi_setup.former_identity")) << noted[0];
    EXPECT_TRUE(noted[0].ends_with(full)) << noted[0];
  }
  EXPECT_EQ(statements({todo()}, settings(), closed), (Statements{full, publish}));
}

TEST(Plan, SaysWhatEachStepIsFor) {
  auto words = [](const Table& table) {
    std::vector<std::string> all;
    for (const Step& step : steps_to_publish({table}, {}, settings())) all.push_back(step.what);
    return all;
  };
  EXPECT_EQ(words(todo()),
            (Statements{"keep whole rows of public.todo in WAL (replica identity full)",
                        "publish public.todo"}));
  Table virtual_now = with_full();
  virtual_now.published = true;
  virtual_now.virtual_columns = true;
  EXPECT_EQ(words(virtual_now),
            Statements{"let public.todo be updated (replica identity default)"});
  virtual_now.usable_index = "";
  EXPECT_EQ(words(virtual_now),
            Statements{"let public.todo be updated again: it is no longer published"});
  virtual_now.is_partition = true;
  virtual_now.root_schema = "app";
  virtual_now.root_name = "whole";
  EXPECT_EQ(words(virtual_now),
            Statements{"let public.todo be updated again: app.whole is no longer published"});
}

TEST(NeedsAnything, IsWhereThereAreSteps) {
  auto needs = [](const Table& table) { return needs_anything(table, {table}, settings()); };
  EXPECT_TRUE(needs(todo()));
  Table table = todo();
  table.tracked = false;
  EXPECT_FALSE(needs(table));
  table.published = true;
  EXPECT_FALSE(needs(table));
  table.narrowed = true;
  EXPECT_FALSE(needs(table));
  table.tracked = true;
  table.identity = ReplicaIdentity::full;
  EXPECT_TRUE(needs(table)) << "to be widened";
  table.narrowed = false;
  EXPECT_FALSE(needs(table));
  table.virtual_columns = true;
  EXPECT_TRUE(needs(table)) << "another index";
  table.usable_index = "";
  EXPECT_TRUE(needs(table)) << "to leave";
  table = todo();
  table.published = true;
  EXPECT_TRUE(needs(table)) << "whole rows";
  table.wide_toast = true;
  EXPECT_FALSE(needs(table));
  EXPECT_EQ(name_of(table), "public.todo");
}

TEST(MayBePublished, NeedsFullOrSomethingThatIdentifies) {
  Table table = todo();
  EXPECT_TRUE(may_be_published(table));
  table.narrow_publication = "theirs";
  EXPECT_TRUE(may_be_published(table));
  table.usable_index = "";
  EXPECT_TRUE(may_be_published(table)) << "what it has identifies";
  table.identified = false;
  EXPECT_FALSE(may_be_published(table));
  table.usable_index = "todo_code";
  EXPECT_TRUE(may_be_published(table));
  table = with_full();
  table.virtual_columns = true;
  table.usable_index = "";
  EXPECT_FALSE(may_be_published(table)) << "FULL is refused with virtual columns";
}

TEST(Harm, IsNamedOnlyOfPublishedTables) {
  Table table = todo();
  table.identified = false;
  EXPECT_EQ(harm_of(table), "");
  table.published = true;
  EXPECT_EQ(harm_of(table), "its primary key is deferrable, which identifies no row");
  table.has_primary_key = false;
  EXPECT_EQ(harm_of(table), "it has no replica identity");
  table.has_primary_key = true;
  table.identity = ReplicaIdentity::nothing;
  EXPECT_EQ(harm_of(table), "it has no replica identity");
  table.unlogged = true;
  EXPECT_EQ(harm_of(table), "");
}

TEST(Harm, FullHarmsTablesThatDoNotAllowIt) {
  Table table = with_full();
  table.published = true;
  EXPECT_EQ(harm_of(table), "");
  table.narrow_publication = "theirs";
  EXPECT_EQ(
      harm_of(table),
      "the publication theirs leaves columns out, which replica identity full does not allow");
  table.virtual_columns = true;
  EXPECT_EQ(harm_of(table),
            "it has virtual generated columns, which replica identity full does not allow");
  table.identity = ReplicaIdentity::default_;
  EXPECT_EQ(harm_of(table), "");
}

}  // namespace
}  // namespace bemi::setup
