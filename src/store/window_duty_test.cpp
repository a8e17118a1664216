// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/window_duty.hpp"

#include <gtest/gtest.h>

namespace bemi::store {
namespace {

using Kind = MaintenanceStep::Kind;
using Duties = std::vector<Duty>;

// The newest one is written into.
const WindowState open_window{};
const WindowState closed{.closed = true};
const WindowState sealed{.closed = true, .sealed = true, .listed = true};
const WindowState due{.closed = true, .sealed = true, .listed = true, .due = true};

TEST(WindowDuty, TheWindowOfNowHasNone) {
  EXPECT_EQ(duties({}, true), Duties{});
  EXPECT_EQ(duties({open_window}, true), Duties{});
}

TEST(WindowDuty, AClosedWindowIsSealedThenListedThenCheckpointedThenArchivedThenPacked) {
  EXPECT_EQ(duties({closed, open_window}, true), (Duties{{Kind::seal, 0},
                                                         {Kind::list, 0},
                                                         {Kind::checkpoint, 0},
                                                         {Kind::archive, 0},
                                                         {Kind::pack, 0}}));
}

// A change that came late took its list back.
TEST(WindowDuty, AWindowIsListedAnew) {
  WindowState unlisted = sealed;
  unlisted.listed = false;
  EXPECT_EQ(duties({unlisted, sealed}, false),
            (Duties{{Kind::list, 0}, {Kind::checkpoint, 1}, {Kind::pack, 0}, {Kind::pack, 1}}));
  unlisted.due = true;
  EXPECT_EQ(duties({unlisted}, false), (Duties{{Kind::drop, 0}}));
}

TEST(WindowDuty, OnlyTheNewestClosedOneIsCheckpointed) {
  EXPECT_EQ(duties({sealed, sealed, open_window}, false),
            (Duties{{Kind::checkpoint, 1}, {Kind::pack, 0}, {Kind::pack, 1}}));
}

TEST(WindowDuty, NothingIsArchivedTwiceOrWithoutAPlace) {
  WindowState archived = sealed;
  archived.archived = true;
  EXPECT_EQ(duties({archived}, true), (Duties{{Kind::checkpoint, 0}, {Kind::pack, 0}}));
  EXPECT_EQ(duties({sealed}, false), (Duties{{Kind::checkpoint, 0}, {Kind::pack, 0}}));
}

TEST(WindowDuty, ADueWindowIsArchivedAndDroppedAndNothingElse) {
  WindowState unsealed = due;
  unsealed.sealed = false;
  unsealed.listed = false;
  unsealed.thins = true;
  EXPECT_EQ(duties({unsealed}, true), (Duties{{Kind::archive, 0}, {Kind::drop, 0}}));
  EXPECT_EQ(duties({due, sealed}, false),
            (Duties{{Kind::drop, 0}, {Kind::checkpoint, 1}, {Kind::pack, 1}}));
}

// A source that stands before its end would lose what it has yet to store.
TEST(WindowDuty, ADueWindowThatIsStillWrittenIntoIsKept) {
  EXPECT_EQ(duties({{.due = true}}, true), (Duties{{Kind::keep, 0}}));
}

TEST(WindowDuty, TablesThatAreKeptLessLongAreThinnedWhereNobodyWrites) {
  WindowState thinning = sealed;
  thinning.thins = true;
  EXPECT_EQ(duties({thinning}, false),
            (Duties{{Kind::checkpoint, 0}, {Kind::thin, 0}, {Kind::pack, 0}}));
  EXPECT_EQ(duties({{.thins = true}}, false), Duties{});
}

TEST(WindowDuty, ARestoredWindowIsLeftAlone) {
  WindowState restored = closed;
  restored.restored = true;
  restored.due = true;
  EXPECT_EQ(duties({sealed, restored}, true),
            (Duties{{Kind::checkpoint, 0}, {Kind::archive, 0}, {Kind::pack, 0}}));
  restored.due = false;
  EXPECT_EQ(duties({sealed, restored}, false), (Duties{{Kind::checkpoint, 0}, {Kind::pack, 0}}));
}

}  // namespace
}  // namespace bemi::store
