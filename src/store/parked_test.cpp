// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/parked.hpp"

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

change::RelationPtr todo() {
  auto relation = std::make_shared<change::Relation>();
  relation->schema = "shop";
  relation->table = "to\"do";
  return relation;
}

TEST(Parked, AChangeHasAllItsFacts) {
  EXPECT_EQ(parked_content({.relation = todo(),
                            .operation = change::Operation::update,
                            .position = {0x1'0000'00FF},
                            .has_key = true,
                            .primary_key = "a\tb",
                            .before = R"({"v": 1})",
                            .after = R"({"v": 2})",
                            .context = R"({"user_id": 42})",
                            .context_verified = false,
                            .exact = R"({"after": {"n": "NaN"}})",
                            .fidelity = R"({"before": {"w": "unknown"}})"}),
            R"({"schema":"shop","table":"to\"do","operation":"UPDATE","primary_key":"a\tb",)"
            R"("position":"1/FF","before":{"v": 1},"after":{"v": 2},"context":{"user_id": 42},)"
            R"("exact":{"after": {"n": "NaN"}},"fidelity":{"before": {"w": "unknown"}},)"
            R"("context_verified":false})");
}

TEST(Parked, MissingFactsAreNull) {
  EXPECT_EQ(parked_content({.relation = todo(), .primary_key = "not a key"}),
            R"({"schema":"shop","table":"to\"do","operation":"CREATE","primary_key":null,)"
            R"("position":"0/0","before":{},"after":{},"context":{},)"
            R"("exact":null,"fidelity":null,"context_verified":null})");
}

TEST(Parked, AnEmptyKeyIsAKey) {
  EXPECT_NE(parked_content({.relation = todo(), .has_key = true}).find(R"("primary_key":"")"),
            std::string::npos);
}

TEST(Parked, BytesAreWrittenAsPostgresqlReadsThem) {
  EXPECT_EQ(hex_bytea(""), "\\x");
  EXPECT_EQ(hex_bytea(std::string_view("\0\x09\x0A\x10\x7F\x80\x9F\xF0\xFF", 9)),
            "\\x00090a107f809ff0ff");
}

}  // namespace
}  // namespace bemi::store
