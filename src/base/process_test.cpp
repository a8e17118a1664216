// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/process.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include <gtest/gtest.h>

namespace bemi::base {
namespace {

std::string all_of(const Descriptor& end) {
  std::string text;
  std::array<char, 4096> piece{};
  for (ssize_t size = 0; (size = read(end.get(), piece.data(), piece.size())) > 0;)
    text.append(piece.data(), static_cast<std::size_t>(size));
  return text;
}

struct Ended {
  std::string out;
  std::string error;
  std::string third;
  int code = 0;
};

Ended run(const std::string& script, std::vector<std::string> environment = {}) {
  auto out = Pipe::open();
  auto error = Pipe::open();
  auto third = Pipe::open();
  auto pid = spawn({.words = {"/bin/sh", "-c", script},
                    .environment = std::move(environment),
                    .out = out->write_end.get(),
                    .error = error->write_end.get(),
                    .third = third->write_end.get(),
                    .user = {}});
  EXPECT_TRUE(pid);
  out->write_end.close();
  error->write_end.close();
  third->write_end.close();
  Ended ended{all_of(out->read_end), all_of(error->read_end), all_of(third->read_end)};
  ended.code = exit_code_of(*pid);
  return ended;
}

TEST(Process, HasItsEndsAndItsExitCode) {
  Ended ended = run("echo out; echo error >&2; echo third >&3; exit 7");
  EXPECT_EQ(ended.out, "out\n");
  EXPECT_EQ(ended.error, "error\n");
  EXPECT_EQ(ended.third, "third\n");
  EXPECT_EQ(ended.code, 7);
  EXPECT_EQ(run("kill -9 $$").code, 128 + 9);
}

TEST(Process, HasTheEnvironmentThatIsGivenAndNoOther) {
  setenv("BEMI_PROCESS_TEST", "ours", 1);
  EXPECT_EQ(run("echo $BEMI_PROCESS_TEST-$OTHER", {"OTHER=x"}).out, "-x\n");
  auto with = environment_with({"OTHER=y", "BEMI_PROCESS_TEST="});
  EXPECT_EQ(run("echo $BEMI_PROCESS_TEST-$OTHER", with).out, "-y\n");
  EXPECT_EQ(run("echo $BEMI_PROCESS_TEST", environment_with({})).out, "ours\n");
  unsetenv("BEMI_PROCESS_TEST");
}

// A socket of ours in a child would stay open as long as it lives.
TEST(Process, HasNoDescriptorOfOurs) {
  Descriptor first(open("/dev/null", O_RDONLY));
  Descriptor second(open("/dev/null", O_RDONLY));
  ASSERT_GT(second.get(), 3);
  EXPECT_EQ(run("ls /proc/self/fd | wc -l").out, "5\n");  // 0 to 3, and the folder itself
}

TEST(Process, ThatCannotBeginEndsAtOnce) {
  auto pid = spawn({.words = {"/no/such/program"}, .environment = {}, .user = {}});
  ASSERT_TRUE(pid);
  EXPECT_EQ(exit_code_of(*pid), 127);
}

// Whichever numbers the descriptors have: ours may be closed, and a pipe in their place.
TEST(Process, TakesDescriptorsThatAreInEachOthersPlaces) {
  Descriptor first(open("/dev/null", O_RDONLY));  // is 3, or whoever started us has it
  auto out = Pipe::open();
  auto third = Pipe::open();
  first.close();
  Descriptor before(fcntl(3, F_DUPFD_CLOEXEC, 10));
  ASSERT_EQ(dup3(out->write_end.get(), 3, O_CLOEXEC), 3);
  auto pid = spawn({.words = {"/bin/sh", "-c", "echo out; echo third >&3"},
                    .environment = {},
                    .out = 3,
                    .third = third->write_end.get(),
                    .user = {}});
  ASSERT_TRUE(pid);
  close(3);
  if (before.get() >= 0) dup2(before.get(), 3);
  out->write_end.close();
  third->write_end.close();
  EXPECT_EQ(all_of(out->read_end), "out\n");
  EXPECT_EQ(all_of(third->read_end), "third\n");
  EXPECT_EQ(exit_code_of(*pid), 0);
}

}  // namespace
}  // namespace bemi::base
