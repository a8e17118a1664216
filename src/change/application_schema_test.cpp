// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/application_schema.hpp"

#include <gtest/gtest.h>

namespace bemi::change {
namespace {

TEST(ApplicationSchema, IsNeitherTheServersNorOurs) {
  for (const char* schema : {"public", "bemi", "pg", "_Bemi", "bemi_shop", "time_travel", ""}) {
    EXPECT_TRUE(is_application_schema(schema)) << schema;
  }
  for (const char* schema : {"pg_catalog", "pg_toast", "pg_temp_3", "information_schema", "_bemi",
                             "_bemi_setup", "_bemi_source"}) {
    EXPECT_FALSE(is_application_schema(schema)) << schema;
  }
}

TEST(ApplicationSchema, IsTheSameInSql) {
  EXPECT_EQ(application_schema("n.nspname"),
            "(n.nspname !~ '^pg_' and n.nspname not in ('information_schema', '_bemi', "
            "'_bemi_setup', '_bemi_source'))");
}

}  // namespace
}  // namespace bemi::change
