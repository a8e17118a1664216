// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/redactions.hpp"

#include <gtest/gtest.h>

#include "render/fake_catalog.hpp"

namespace bemi::render {
namespace {

class Redacting : public testing::Test {
 protected:
  // The columns' patterns, "-" for one that is not redacted.
  std::vector<std::string> marked(change::Relation& relation) {
    auto done = redactions_.mark(relation);
    EXPECT_TRUE(done);
    std::vector<std::string> patterns;
    for (const change::Column& column : relation.columns) {
      EXPECT_EQ(column.redacted, !column.redacted_by.empty());
      patterns.push_back(column.redacted ? column.redacted_by : "-");
    }
    return patterns;
  }
  std::vector<std::string> marked(change::Relation&& relation) { return marked(relation); }

  FakeCatalog catalog_;
  change::Selection selection_ = selection_of({.redact_columns = {"todo.task"}});
  Redactions redactions_{catalog_, selection_};
};

using Patterns = std::vector<std::string>;
const Patterns task_alone{"-", "todo.task"};
const Patterns none{"-", "-"};

TEST_F(Redacting, AColumnThatThePatternNames) { EXPECT_EQ(marked(todo()), task_alone); }

TEST_F(Redacting, NothingOfAnotherTable) {
  change::Relation other = todo();
  other.oid = 17000;
  other.table = "other";
  EXPECT_EQ(marked(other), none);
}

TEST_F(Redacting, WithoutPatternsWhatWasMarkedIsNot) {
  change::Selection nothing = selection_of({});
  Redactions redactions(catalog_, nothing);
  change::Relation relation = todo();
  relation.columns[0].redacted = true;
  relation.columns[0].redacted_by = "of old";
  catalog_.is_gone = true;  // which is not asked
  ASSERT_TRUE(redactions.mark(relation));
  EXPECT_FALSE(relation.columns[0].redacted);
  EXPECT_EQ(relation.columns[0].redacted_by, "");
  EXPECT_EQ(relation.primary_key, std::vector<std::size_t>{0});
}

TEST_F(Redacting, AFailedQuestionIsAnError) {
  catalog_.is_gone = true;
  change::Relation relation = todo();
  EXPECT_FALSE(redactions_.mark(relation));
}

TEST_F(Redacting, ARenamedColumnStaysRedactedByItsNumber) {
  marked(todo());
  change::Relation renamed = todo();
  renamed.columns[1].name = "chore";
  EXPECT_EQ(marked(renamed), task_alone);
  renamed.table = "done";
  EXPECT_EQ(marked(renamed), task_alone);
  // Another column of the same table, and another table's column of this number, are not.
  renamed.columns[1].number = 3;
  EXPECT_EQ(marked(renamed), none);
  renamed.columns[1].number = 2;
  renamed.oid = 17000;
  EXPECT_EQ(marked(renamed), none);
}

TEST_F(Redacting, AColumnWithoutANumberIsNoOther) {
  change::Relation unnumbered = todo();
  unnumbered.columns[1].number = 0;
  EXPECT_EQ(marked(unnumbered), task_alone);
  unnumbered.columns[1].name = "chore";
  EXPECT_EQ(marked(unnumbered), none);
}

TEST_F(Redacting, AStoredRedactionHoldsAsLongAsItsPatternIsThere) {
  change::Relation stored = todo();
  stored.columns[1].name = "chore";
  stored.columns[1].redacted = true;
  stored.columns[1].redacted_by = "todo.task";
  stored.columns[0].redacted = true;
  stored.columns[0].redacted_by = "todo.gone";
  redactions_.remember(stored);
  change::Relation now = todo();
  now.columns[1].name = "chore";
  EXPECT_EQ(marked(now), task_alone);
}

// Its rows have the root's name; its columns have numbers of their own.
TEST_F(Redacting, APartitionIsRedactedAsItsRoot) {
  change::Relation leaf = todo();
  leaf.oid = 16390;
  leaf.root = 16384;
  leaf.columns[1].number = 5;
  EXPECT_EQ(marked(leaf), task_alone);
  change::Relation renamed = leaf;
  renamed.columns[1].name = "chore";
  EXPECT_EQ(marked(renamed), task_alone);
}

TEST_F(Redacting, ADetachedPartitionStaysRedactedByName) {
  change::Relation root = todo();
  root.leaves = {16390, 16391};
  marked(root);
  change::Relation detached = todo();
  detached.oid = 16391;
  detached.table = "todo_2";
  detached.columns[1].number = 7;
  EXPECT_EQ(marked(detached), task_alone);
  detached.columns[1].name = "chore";
  detached.columns[1].number = 8;
  EXPECT_EQ(marked(detached), none);
}

TEST_F(Redacting, OneThatWasReadAsAPartitionToo) {
  change::Relation leaf = todo();
  leaf.oid = 16390;
  leaf.root = 16384;
  marked(leaf);
  leaf.root = 0;
  leaf.table = "todo_1";
  leaf.columns[1].number = 9;
  EXPECT_EQ(marked(leaf), task_alone);
}

TEST_F(Redacting, AGeneratedColumnHasTheValuesOfItsBase) {
  change::Relation relation = todo();
  relation.columns.push_back(column_of("upper_task", text_type, 3));
  relation.columns.push_back(column_of("double_id", int4, 4));
  catalog_.ties[16384] = {{.column = "upper_task", .of = "task"},
                          {.column = "double_id", .of = "id"},
                          {.column = "task", .of = "id"},
                          {.column = "not_sent", .of = "task"},
                          {.column = "double_id", .of = "not_there"}};
  EXPECT_EQ(marked(relation), (Patterns{"-", "todo.task", "todo.task", "-"}));
}

TEST_F(Redacting, AChildHasTheColumnsOfItsParent) {
  change::Relation child = todo();
  child.oid = 17000;
  child.table = "child";
  child.columns[1].name = "chore";
  catalog_.ties[17000] = {{.column = "chore",
                           .of = "task",
                           .relation = 16384,
                           .number = 2,
                           .schema = "public",
                           .table = "todo"},
                          {.column = "id",
                           .of = "id",
                           .relation = 16384,
                           .number = 1,
                           .schema = "public",
                           .table = "todo"}};
  EXPECT_EQ(marked(child), task_alone);
}

TEST_F(Redacting, AlsoWhenTheParentsColumnIsKnownByItsNumberAlone) {
  marked(todo());
  change::Relation child = todo();
  child.oid = 17000;
  child.table = "child";
  child.columns[1].name = "chore";
  catalog_.ties[17000] = {{.column = "chore",
                           .of = "chore",
                           .relation = 16384,
                           .number = 2,
                           .schema = "public",
                           .table = "todo"}};
  EXPECT_EQ(marked(child), task_alone);
}

TEST_F(Redacting, AKeyWithARedactedColumnIsNoKey) {
  change::Relation relation = todo();
  relation.primary_key = {0, 1};
  marked(relation);
  EXPECT_TRUE(relation.primary_key.empty());
  change::Relation whole = todo();
  marked(whole);
  EXPECT_EQ(whole.primary_key, std::vector<std::size_t>{0});
}

}  // namespace
}  // namespace bemi::render
