// SPDX-License-Identifier: LGPL-3.0-or-later
#include <gtest/gtest.h>

#include "setup/setup.hpp"
#include "store/progress.hpp"

namespace bemi::setup {
namespace {

std::string repeated(char c, std::size_t times) { return std::string(times, c); }

// The digests are those of FNV-1a, computed by another program: slots must keep their names.
TEST(Names, ASlotIsNamedAfterItsSource) {
  EXPECT_EQ(default_slot_name("shop"), "bemi_shop");
  EXPECT_EQ(default_slot_name("az_09"), "bemi_az_09");
  EXPECT_EQ(default_slot_name(""), "bemi_");
}

TEST(Names, ASourcesNameThatASlotCannotHaveGetsADigest) {
  EXPECT_EQ(default_slot_name("My-App"), "bemi_my_app_1a5c611f");
  EXPECT_EQ(default_slot_name("SHOP"), "bemi_shop_5bce1f24");
  EXPECT_EQ(default_slot_name("a.b"), "bemi_a_b_e61d9919");
  EXPECT_NE(default_slot_name("a.b"), default_slot_name("a-b"));
}

TEST(Names, ASlotHasAtMost63Bytes) {
  EXPECT_EQ(default_slot_name(repeated('x', 58)), "bemi_" + repeated('x', 58));
  EXPECT_EQ(default_slot_name(repeated('x', 59)), "bemi_" + repeated('x', 49) + "_ec076bd9");
}

TEST(Names, EachLetterAndDigitOfAscii) {
  EXPECT_EQ(default_slot_name("abcdefghijklmnopqrstuvwxyz_0123456789"),
            "bemi_abcdefghijklmnopqrstuvwxyz_0123456789");
  EXPECT_TRUE(default_slot_name("AZ").starts_with("bemi_az_"));
  EXPECT_TRUE(default_slot_name("@[`{/:").starts_with("bemi_______"));
}

TEST(Names, TheBaselinesSlotIsNamedAfterTheSlot) {
  EXPECT_EQ(baseline_slot_name("bemi_shop"), "baseline_of_bemi_shop");
  EXPECT_EQ(baseline_slot_name(repeated('s', 51)), "baseline_of_" + repeated('s', 51));
  EXPECT_EQ(baseline_slot_name(repeated('s', 52)), "baseline_of_410ee0a2811fe7a9");
}

Settings after(store::SourceState state, const Settings& before = {}) {
  Settings settings = before;
  settings.slot = "default_slot";
  settings.publication = "default_publication";
  take_known({.slot = "old_slot", .publication = "old_publication", .state = state}, settings);
  return settings;
}

TEST(Names, ASourceThatStreamsKeepsItsSlotAndPublication) {
  Settings settings = after(store::SourceState::streaming);
  EXPECT_EQ(settings.slot, "old_slot");
  EXPECT_EQ(settings.publication, "old_publication");
  EXPECT_EQ(settings.known_slot, "old_slot");
  EXPECT_EQ(settings.known_publication, "old_publication");
  EXPECT_TRUE(settings.known_streaming);
}

TEST(Names, ANameThatSomebodyChoseIsNotReplaced) {
  Settings settings = after(store::SourceState::streaming, {.names_slot = true});
  EXPECT_EQ(settings.slot, "default_slot");
  EXPECT_EQ(settings.publication, "old_publication");
  settings = after(store::SourceState::streaming, {.names_publication = true});
  EXPECT_EQ(settings.slot, "old_slot");
  EXPECT_EQ(settings.publication, "default_publication");
}

TEST(Names, ASourceThatBeginsAnewIsOnlyRemembered) {
  for (auto state : {store::SourceState::creating, store::SourceState::stopped}) {
    Settings settings = after(state);
    EXPECT_EQ(settings.slot, "default_slot");
    EXPECT_EQ(settings.publication, "default_publication");
    EXPECT_EQ(settings.known_slot, "old_slot");
    EXPECT_EQ(settings.known_publication, "old_publication");
    EXPECT_FALSE(settings.known_streaming);
  }
}

}  // namespace
}  // namespace bemi::setup
