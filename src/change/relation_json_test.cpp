// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/relation_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace change {
namespace {

TEST(RelationJson, ColumnsComeBackAsTheyWere) {
  const char* columns =
      R"([{"form":{"kind":"scalar","name":"integer","oid":23},"name":"id","type":"integer",)"
      R"("type_modifier":-1,"type_oid":23},)"
      R"({"form":{"attributes":[{"form":{"kind":"scalar","name":"mood","oid":16390},"name":"m"}],)"
      R"("kind":"composite","name":"pair","oid":16400},"name":"p","type":"pair",)"
      R"("type_modifier":-1,"type_oid":16400},)"
      R"({"form":{"delimiter":";","element":{"delimiter":";","kind":"scalar","name":"box","oid":603},)"
      R"("kind":"array","name":"box[]","oid":1020},"name":"b","type":"box[]",)"
      R"("type_modifier":-1,"type_oid":1020}])";
  Relation relation{.columns = read_columns(nlohmann::json::parse(columns))};
  EXPECT_EQ(relation.columns[0].type->form, JsonForm::number);
  EXPECT_EQ(columns_json(relation), columns);
}

TEST(RelationJson, AMemberThatIsMissingIsAnError) {
  EXPECT_THROW(read_columns(nlohmann::json::parse(R"([{"name": "id"}])")),
               nlohmann::json::exception);
}

}  // namespace
}  // namespace change
