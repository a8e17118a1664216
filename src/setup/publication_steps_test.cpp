// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/publication_steps.hpp"

#include <gtest/gtest.h>

namespace bemi::setup {
namespace {

wal::Publication wanted() {
  return {.name = "bemi_Shop",
          .oid = 1,
          .owner = "owner",
          .via_root = false,
          .publishes_all_operations = true,
          .publishes_generated_columns = true};
}

TEST(PublicationSteps, APublicationThatLeavesSomethingOutIsNotAsWanted) {
  EXPECT_TRUE(is_as_wanted(wanted()));
  wal::Publication by_root = wanted();
  by_root.via_root = true;
  EXPECT_FALSE(is_as_wanted(by_root));
  wal::Publication some_operations = wanted();
  some_operations.publishes_all_operations = false;
  EXPECT_FALSE(is_as_wanted(some_operations));
  wal::Publication no_generated = wanted();
  no_generated.publishes_generated_columns = false;
  EXPECT_FALSE(is_as_wanted(no_generated));
}

TEST(PublicationSteps, OneIsMadeThatLeavesNothingOut) {
  Step step = create_publication_step({.publication = "bemi_Shop"}, 170999, false);
  EXPECT_EQ(step.what, "make the publication bemi_Shop");
  EXPECT_EQ(step.sql,
            "create publication \"bemi_Shop\" with (publish = 'insert, update, delete, truncate', "
            "publish_via_partition_root = false)");
}

TEST(PublicationSteps, TheRecordIsToldFirst) {
  Settings settings{.source_name = "shop", .publication = "bemi_shop"};
  EXPECT_EQ(create_publication_step(settings, 170000, true).sql,
            "insert into _bemi_setup.made values ('publication', 'bemi_shop') on conflict do "
            "nothing;\n" +
                create_publication_step(settings, 170000, false).sql);
}

TEST(PublicationSteps, StoredGeneratedColumnsAreSentFrom18On) {
  EXPECT_EQ(create_publication_step({.publication = "p"}, 180000, false).sql,
            "create publication \"p\" with (publish = 'insert, update, delete, truncate', "
            "publish_via_partition_root = false, publish_generated_columns = stored)");
}

TEST(PublicationSteps, OneThatLeavesSomethingOutIsMended) {
  Step step = mend_publication_step(wanted(), 180003);
  EXPECT_EQ(step.what, "let the publication bemi_Shop leave nothing out");
  EXPECT_EQ(step.sql,
            "alter publication \"bemi_Shop\" set (publish = 'insert, update, delete, truncate', "
            "publish_via_partition_root = false, publish_generated_columns = stored)");
  EXPECT_EQ(mend_publication_step(wanted(), 140000).sql,
            "alter publication \"bemi_Shop\" set (publish = 'insert, update, delete, truncate', "
            "publish_via_partition_root = false)");
}

}  // namespace
}  // namespace bemi::setup
