// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/error_policy.hpp"

#include <map>

#include <gtest/gtest.h>

namespace bemi::worker {
namespace {

using base::ErrorKind;

// Errors that are retried pass by themselves; errors that stop the worker need a person, gaps above
// all.
TEST(ErrorPolicy, SaysOfEachKindWhatTheWorkerDoes) {
  const std::map<ErrorKind, Reaction> wanted{
      {ErrorKind::connection, Reaction::retry},
      {ErrorKind::serialization, Reaction::retry},
      {ErrorKind::lock_timeout, Reaction::retry},
      {ErrorKind::disk_full, Reaction::retry},
      {ErrorKind::rejected, Reaction::careful},
      {ErrorKind::usage, Reaction::stop},
      {ErrorKind::authentication, Reaction::stop},
      {ErrorKind::permission, Reaction::stop},
      {ErrorKind::unsupported, Reaction::stop},
      {ErrorKind::malformed_message, Reaction::stop},
      {ErrorKind::gap, Reaction::stop},
      {ErrorKind::conflict, Reaction::stop},
      {ErrorKind::limit, Reaction::stop},
      {ErrorKind::interrupted, Reaction::stop},
      {ErrorKind::internal, Reaction::stop},
  };
  for (int kind = 0; kind <= static_cast<int>(ErrorKind::internal); ++kind) {
    auto expected = wanted.find(static_cast<ErrorKind>(kind));
    ASSERT_NE(expected, wanted.end()) << kind;
    EXPECT_EQ(reaction_to({.kind = expected->first}), expected->second)
        << base::name(expected->first);
  }
}

// A kind that is none, as memory gone wrong would give, must not be tried for ever.
TEST(ErrorPolicy, StopsAtWhatItDoesNotKnow) {
  EXPECT_EQ(reaction_to({.kind = static_cast<ErrorKind>(99)}), Reaction::stop);
}

}  // namespace
}  // namespace bemi::worker
