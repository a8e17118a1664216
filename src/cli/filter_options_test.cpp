// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/filter_options.hpp"

#include <gtest/gtest.h>

namespace bemi::cli {
namespace {

TEST(FilterOptions, NoFlagFiltersNothing) {
  auto filter = filter_of({});
  ASSERT_TRUE(filter);
  EXPECT_FALSE(filter->table);
  EXPECT_EQ(filter->primary_key, std::nullopt);
  EXPECT_EQ(filter->operation, std::nullopt);
  EXPECT_TRUE(filter->context.empty());
  EXPECT_EQ(filter->transaction, std::nullopt);
  EXPECT_EQ(filter->since, std::nullopt);
  EXPECT_EQ(filter->until, std::nullopt);
}

TEST(FilterOptions, EachFlagFilters) {
  auto filter = filter_of({.table = "shop.Todo",
                           .primary_key = "a",
                           .operation = "Delete",
                           .context = {"user_id=1", "k=v"},
                           .transaction = 7,
                           .since = "yesterday",
                           .until = "today"});
  ASSERT_TRUE(filter);
  ASSERT_TRUE(filter->table);
  EXPECT_EQ(filter->table->schema, "shop");
  EXPECT_EQ(filter->table->table, "todo");
  EXPECT_EQ(filter->primary_key, "a");
  EXPECT_EQ(filter->operation, "DELETE");
  EXPECT_EQ(filter->context, (std::vector<std::string>{"user_id=1", "k=v"}));
  EXPECT_EQ(filter->transaction, 7);
  EXPECT_EQ(filter->since, "yesterday");
  EXPECT_EQ(filter->until, "today");
}

TEST(FilterOptions, ATableWithoutAValidNameIsRefused) {
  auto filter = filter_of({.table = "a.b.c"});
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().kind, base::ErrorKind::usage);
}

}  // namespace
}  // namespace bemi::cli
