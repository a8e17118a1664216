// SPDX-License-Identifier: LGPL-3.0-or-later
// Messages as changes: what is stored of each, by value.
#include "render/renderer.hpp"

#include <gtest/gtest.h>

#include "render/fake_catalog.hpp"

namespace bemi::render {
namespace {

using change::Operation;
using decode::OldKind;
using decode::Tuple;
using decode::Value;

Value text(std::string_view bytes) { return {.kind = Value::Kind::text, .text = bytes}; }
constexpr Value null{};
constexpr Value unchanged{.kind = Value::Kind::unchanged, .text = {}};
constexpr change::Oid hidden_oid = 17000;

class Rendering : public testing::Test {
 protected:
  void SetUp() override { begin({.exclude = {"hidden.*"}, .ignore_columns = {"todo.size"}}); }

  void begin(const change::Selection::Texts& texts) {
    selection_ = selection_of(texts);
    auto catalog = std::make_unique<FakeCatalog>();
    change::Relation relation = todo();
    relation.columns.push_back(column_of("size", int4, 3));
    change::Relation hidden = relation;
    hidden.oid = hidden_oid;
    hidden.schema = "hidden";
    catalog->tables[relation.oid] = relation;
    renderer_ =
        std::make_unique<Renderer>(std::move(catalog), selection_, /*has_ddl_messages=*/true);
    for (const change::Relation& table : {relation, hidden}) {
      ASSERT_TRUE(renderer_->render({.message = decode::RelationMessage{.relation = sent(table)}},
                                    sequence_, out_));
    }
    batch_ = out_.take(/*last=*/false);
  }

  // The one change that the message makes.
  change::Change one(const decode::Message& message, std::string_view context = "{}") {
    std::vector<change::Change> changes = all(message, context);
    EXPECT_EQ(changes.size(), 1U);
    return changes.empty() ? change::Change{} : changes.front();
  }

  std::vector<change::Change> all(const decode::Message& message, std::string_view context = "{}") {
    EXPECT_TRUE(renderer_->render({.position = {++position_},
                                   .message = message,
                                   .context = context,
                                   .context_number = ++context_number_},
                                  sequence_, out_));
    batch_ = out_.take(/*last=*/false);
    return batch_.changes;
  }

  change::Selection selection_;
  std::unique_ptr<Renderer> renderer_;
  BatchBuilder out_{change::Transaction{.id = 77}};
  change::Batch batch_;  // what the last changes point into
  std::uint32_t sequence_ = 0;
  std::uint64_t position_ = 100;
  std::uint64_t context_number_ = 0;
};

TEST_F(Rendering, AnInsertHasItsRowAfter) {
  change::Change change =
      one(decode::Insert{.relation = 16384, .after = {text("7"), text("a"), null}});
  EXPECT_EQ(change.operation, Operation::create);
  EXPECT_EQ(change.before, "{}");
  EXPECT_EQ(change.after, R"({"id":7,"task":"a","size":null})");
  EXPECT_TRUE(change.has_key);
  EXPECT_EQ(change.primary_key, "7");
  EXPECT_FALSE(change.moved);
  EXPECT_FALSE(change.partial);
  EXPECT_EQ(change.position.value, 101U);
  EXPECT_EQ(change.sequence, 0U);
  EXPECT_EQ(change.context, "{}");
  EXPECT_EQ(change.exact, "");
  EXPECT_EQ(change.fidelity, "");
  EXPECT_EQ(change.relation->table, "todo");
}

TEST_F(Rendering, AnUpdateWithItsWholeOldRowHasBoth) {
  change::Change change = one(decode::Update{.relation = 16384,
                                             .old_kind = OldKind::full,
                                             .before = {text("7"), text("long"), text("1")},
                                             .after = {text("8"), unchanged, text("1")}});
  EXPECT_EQ(change.operation, Operation::update);
  EXPECT_EQ(change.before, R"({"id":7,"task":"long","size":1})");
  EXPECT_EQ(change.after, R"({"id":8,"task":"long","size":1})");
  EXPECT_EQ(change.primary_key, "8");
  EXPECT_TRUE(change.moved);
  EXPECT_EQ(change.previous_key, "7");
  EXPECT_FALSE(change.partial);
  EXPECT_EQ(change.fidelity, "");
}

TEST_F(Rendering, AnUpdateThatKeepsTheKeyMovesNothing) {
  change::Change change = one(decode::Update{.relation = 16384,
                                             .old_kind = OldKind::full,
                                             .before = {text("7"), text("a"), null},
                                             .after = {text("7"), text("b"), null}});
  EXPECT_EQ(change.primary_key, "7");
  EXPECT_FALSE(change.moved);
  EXPECT_EQ(change.previous_key, "");
}

TEST_F(Rendering, AnUpdateWithItsOldKeyHasNoMoreThanThatBefore) {
  change::Change change = one(decode::Update{.relation = 16384,
                                             .old_kind = OldKind::key,
                                             .before = {text("7"), null, null},
                                             .after = {text("8"), unchanged, text("1")}});
  EXPECT_EQ(change.before, R"({"id":7})");
  EXPECT_EQ(change.after, R"({"id":8,"size":1})");
  EXPECT_EQ(change.fidelity, R"({"after":{"task":"unknown"}})");
  EXPECT_TRUE(change.moved);
  EXPECT_EQ(change.previous_key, "7");
  EXPECT_TRUE(change.partial);
}

TEST_F(Rendering, AnUpdateWithoutAnOldRowHasNoneBefore) {
  change::Change change =
      one(decode::Update{.relation = 16384, .after = {text("7"), text("b"), null}});
  EXPECT_EQ(change.before, "{}");
  EXPECT_EQ(change.after, R"({"id":7,"task":"b","size":null})");
  EXPECT_FALSE(change.moved);
  EXPECT_TRUE(change.partial);
}

TEST_F(Rendering, AnUpdateOfIgnoredColumnsAloneIsNoneButTakesItsOrdinal) {
  EXPECT_TRUE(all(decode::Update{.relation = 16384,
                                 .old_kind = OldKind::full,
                                 .before = {text("7"), text("a"), text("1")},
                                 .after = {text("7"), text("a"), text("2")}})
                  .empty());
  EXPECT_EQ(sequence_, 1U);
  // With the key alone nobody knows what else changed.
  EXPECT_EQ(all(decode::Update{.relation = 16384,
                               .old_kind = OldKind::key,
                               .before = {text("7"), null, null},
                               .after = {text("7"), text("a"), text("2")}})
                .size(),
            1U);
}

TEST_F(Rendering, ADeleteHasItsRowBefore) {
  change::Change change = one(decode::Delete{
      .relation = 16384, .old_kind = OldKind::full, .before = {text("7"), text("a"), null}});
  EXPECT_EQ(change.operation, Operation::delete_);
  EXPECT_EQ(change.before, R"({"id":7,"task":"a","size":null})");
  EXPECT_EQ(change.after, "{}");
  EXPECT_EQ(change.primary_key, "7");
  EXPECT_FALSE(change.partial);
  change = one(decode::Delete{
      .relation = 16384, .old_kind = OldKind::key, .before = {text("7"), null, null}});
  EXPECT_EQ(change.before, R"({"id":7})");
  EXPECT_TRUE(change.partial);
}

TEST_F(Rendering, ATruncateIsAChangeOfEachTable) {
  std::vector<change::Change> changes =
      all(decode::Truncate{.relations = {16384, hidden_oid, 16384}});
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].operation, Operation::truncate);
  EXPECT_EQ(changes[0].sequence, 0U);
  EXPECT_EQ(changes[1].sequence, 1U);
  EXPECT_FALSE(changes[0].has_key);
  EXPECT_EQ(changes[0].before, "{}");
  EXPECT_EQ(sequence_, 2U);
}

// A change has the same identity under any configuration.
TEST_F(Rendering, AnUntrackedChangeStillTakesItsOrdinal) {
  Tuple row{text("7"), text("a"), null};
  EXPECT_TRUE(all(decode::Insert{.relation = hidden_oid, .after = row}).empty());
  EXPECT_TRUE(all(decode::Update{.relation = hidden_oid, .after = row}).empty());
  EXPECT_TRUE(all(decode::Delete{.relation = hidden_oid, .old_kind = OldKind::full, .before = row})
                  .empty());
  EXPECT_EQ(sequence_, 3U);
  EXPECT_EQ(one(decode::Insert{.relation = 16384, .after = row}).sequence, 3U);
  EXPECT_EQ(sequence_, 4U);
}

TEST_F(Rendering, ATypeOrAFrameIsNoChange) {
  EXPECT_TRUE(all(decode::TypeMessage{.oid = 5}).empty());
  EXPECT_TRUE(all(decode::Begin{}).empty());
  EXPECT_EQ(sequence_, 0U);
}

TEST_F(Rendering, AChangeOfAnUnknownTableIsAnError) {
  for (const decode::Message& message : std::vector<decode::Message>{
           decode::Insert{.relation = 5}, decode::Update{.relation = 5},
           decode::Delete{.relation = 5}, decode::Truncate{.relations = {5}}}) {
    auto rendered = renderer_->render({.message = message}, sequence_, out_);
    ASSERT_FALSE(rendered);
    EXPECT_EQ(rendered.error().kind, base::ErrorKind::malformed_message);
  }
}

TEST_F(Rendering, AContextIsKeptOnceForTheChangesThatShareIt) {
  std::uint32_t sequence = 0;
  for (const char* id : {"7", "8"}) {
    ASSERT_TRUE(renderer_->render(
        {.message = decode::Insert{.relation = 16384, .after = {text(id), null, null}},
         .context = R"({"n":1})",
         .context_number = 5},
        sequence, out_));
  }
  ASSERT_TRUE(renderer_->render(
      {.message = decode::Insert{.relation = 16384, .after = {text("9"), null, null}},
       .context = R"({"n":2})",
       .context_number = 6},
      sequence, out_));
  change::Batch batch = out_.take(/*last=*/false);
  ASSERT_EQ(batch.changes.size(), 3U);
  EXPECT_EQ(batch.changes[0].context, R"({"n":1})");
  EXPECT_EQ(batch.changes[1].context.data(), batch.changes[0].context.data());
  EXPECT_EQ(batch.changes[2].context, R"({"n":2})");
}

TEST_F(Rendering, NoContextIsAnEmptyObject) {
  EXPECT_EQ(one(decode::Insert{.relation = 16384, .after = {text("7"), null, null}}, "").context,
            "{}");
}

TEST_F(Rendering, ABaselineRowIsASnapshotWithoutContext) {
  auto relation = renderer_->resolve(sent(todo()));
  ASSERT_TRUE(relation);
  renderer_->render_snapshot(*relation, {text("7"), text("a")}, {55}, 9, out_);
  change::Batch batch = out_.take(/*last=*/true);
  ASSERT_EQ(batch.changes.size(), 1U);
  const change::Change& change = batch.changes[0];
  EXPECT_EQ(change.operation, Operation::snapshot);
  EXPECT_EQ(change.after, R"({"id":7,"task":"a"})");
  EXPECT_EQ(change.before, "{}");
  EXPECT_EQ(change.primary_key, "7");
  EXPECT_EQ(change.position.value, 55U);
  EXPECT_EQ(change.sequence, 9U);
  EXPECT_EQ(change.context, "{}");
}

TEST_F(Rendering, ARedactedValueIsInNoText) {
  begin({.redact_columns = {"todo.task"}});
  change::Change change = one(decode::Update{.relation = 16384,
                                             .old_kind = OldKind::full,
                                             .before = {text("7"), text("secret"), null},
                                             .after = {text("7"), text("secret"), null}},
                              R"({"SQL": "update todo set task = 'secret'"})");
  EXPECT_EQ(change.before, R"({"id":7,"size":null})");
  EXPECT_EQ(change.after, R"({"id":7,"size":null})");
  EXPECT_EQ(change.fidelity, R"({"before":{"task":"redacted"},"after":{"task":"redacted"}})");
  EXPECT_FALSE(change.context.contains("secret"));
}

decode::LogicalMessage ddl(const std::string& content) {
  return {.prefix = "_bemi_schema", .content = content};
}

const std::string rename = std::string(64, 'f') +
                           R"({"command": "ALTER TABLE", "sql": "alter role a password 'pw', 'lit'",
  "xid": 7, "top": 7, "marks": {}, "table": {"oid": 16384, "schema": "public", "table": "done",
  "identity": "d", "primary_key": [], "columns": []}})";

TEST_F(Rendering, DdlIsASchemaChangeWithoutItsPasswords) {
  std::vector<change::Change> changes = all(ddl(rename));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0].operation, Operation::schema);
  EXPECT_FALSE(changes[0].has_key);
  EXPECT_TRUE(changes[0].before.starts_with(R"({"columns":[{"name":"id")")) << changes[0].before;
  EXPECT_TRUE(changes[0].after.contains(R"("table":"done")"));
  EXPECT_FALSE(changes[0].after.contains("pw"));
  EXPECT_EQ(sequence_, 1U);
}

TEST_F(Rendering, WithRedactionsDdlHasNoLiterals) {
  begin({.redact_columns = {"todo.task"}});
  std::vector<change::Change> changes = all(ddl(rename));
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].after.contains("lit"));
}

TEST_F(Rendering, DdlThatIsNoneIsNoChange) {
  EXPECT_TRUE(all(ddl(std::string(64, 'f') + "{}")).empty());
  EXPECT_EQ(sequence_, 0U);
}

}  // namespace
}  // namespace bemi::render
