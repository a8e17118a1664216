// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/line_buffer.hpp"

#include <unistd.h>

#include <string_view>

#include <gtest/gtest.h>

#include "base/process.hpp"

namespace bemi::base {
namespace {

void put(const Pipe& pipe, std::string_view text) {
  ASSERT_EQ(write(pipe.write_end.get(), text.data(), text.size()), std::ssize(text));
}

TEST(LineBuffer, GivesLinesAsTheyBecomeWhole) {
  auto pipe = Pipe::open();
  LineBuffer lines(100);
  put(*pipe, "one\n\ntw");
  EXPECT_TRUE(lines.fill(pipe->read_end.get()));
  EXPECT_EQ(lines.next(), "one");
  EXPECT_EQ(lines.next(), "");
  EXPECT_EQ(lines.next(), std::nullopt);
  put(*pipe, "o\nthree");
  EXPECT_TRUE(lines.fill(pipe->read_end.get()));
  EXPECT_EQ(lines.next(), "two");
  EXPECT_EQ(lines.next(), std::nullopt);
  pipe->write_end.close();
  EXPECT_FALSE(lines.fill(pipe->read_end.get()));
  EXPECT_FALSE(lines.fill(-1));
}

TEST(LineBuffer, CutsALongLineAndGoesOnBehindIt) {
  auto pipe = Pipe::open();
  LineBuffer lines(5);
  put(*pipe, "123456789\nnext\n");
  EXPECT_TRUE(lines.fill(pipe->read_end.get()));
  EXPECT_EQ(lines.next(), "12345");
  EXPECT_EQ(lines.next(), "next");
  for (int i = 0; i < 3; ++i) {
    put(*pipe, "abcdefgh");
    EXPECT_TRUE(lines.fill(pipe->read_end.get()));
    EXPECT_EQ(lines.next(), std::nullopt);
  }
  put(*pipe, "\nz\n");
  EXPECT_TRUE(lines.fill(pipe->read_end.get()));
  EXPECT_EQ(lines.next(), "abcde");
  EXPECT_EQ(lines.next(), "z");
}

}  // namespace
}  // namespace bemi::base
