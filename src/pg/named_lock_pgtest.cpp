// SPDX-License-Identifier: LGPL-3.0-or-later
// Sessions of each server that compete for a name.
#include "pg/named_lock.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

namespace bemi::pg {
namespace {

const LockName store{"bemi test " + std::to_string(getpid()), "true"};
const LockName keep{store.name + " beside", "true"};

Connection session(const std::string& url) {
  return Connection::open({.url = url, .purpose = "bemi/test"}).value();
}

// BEMI_TEST_SERVERS: "14=postgresql://... 15=postgresql://..."
void on_every_server(const std::function<void(const std::string& url)>& test) {
  const char* servers = std::getenv("BEMI_TEST_SERVERS");
  ASSERT_NE(servers, nullptr) << "run ./dev test, which starts them";
  std::istringstream words(servers);
  for (std::string word; words >> word;) {
    SCOPED_TRACE(word);
    test(word.substr(word.find('=') + 1));
  }
}

// The server notices the end of a connection by itself.
bool comes_free(Connection& connection, const LockName& name) {
  constexpr int tries_max = 1000;
  for (int i = 0; i < tries_max; ++i) {
    if (!is_held(connection, {name}).value()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

TEST(NamedLock, IsHeldByOneSession) {
  on_every_server([](const std::string& url) {
    Connection first = session(url);
    Connection second = session(url);
    EXPECT_TRUE(try_lock(first, store).value());
    EXPECT_FALSE(try_lock(second, store).value());
    EXPECT_FALSE(try_lock(second, store).value()) << "nor does a failed attempt leave anything";
    EXPECT_FALSE(is_held(first, {store}).value()) << "a session is not in its own way";
    EXPECT_TRUE(unlock(first, store.name));
    EXPECT_TRUE(try_lock(second, store).value());
  });
}

TEST(NamedLock, EndsWithItsConnection) {
  on_every_server([](const std::string& url) {
    Connection other = session(url);
    {
      Connection holder = session(url);
      EXPECT_TRUE(try_lock(holder, store).value());
      EXPECT_TRUE(is_held(other, {store}).value());
    }
    EXPECT_TRUE(comes_free(other, store));
  });
}

TEST(NamedLock, KeepsOutThoseWhoNameItBesideTheirOwn) {
  on_every_server([](const std::string& url) {
    Connection first = session(url);
    Connection second = session(url);
    EXPECT_TRUE(try_lock(first, store).value());
    EXPECT_FALSE(try_lock(second, keep, {store}).value());
    EXPECT_TRUE(try_lock(second, keep).value());
  });
}

TEST(NamedLock, CountsOnlyRolesWithTheRight) {
  on_every_server([](const std::string& url) {
    Connection owner = session(url);
    std::string stranger = "bemi_stranger_" + std::to_string(getpid());
    ASSERT_TRUE(owner.run("create role " + stranger + " login"));
    {
      std::string strangers_url = url;
      strangers_url.replace(url.find("//") + 2, url.find('@') - url.find("//") - 2, stranger);
      Connection other = session(strangers_url);
      EXPECT_TRUE(announce(other, store.name));
      LockName ours{store.name,
                    "(select r.rolsuper from pg_roles r where r.oid = session.usesysid)"};
      EXPECT_TRUE(is_held(owner, {store}).value());
      EXPECT_FALSE(is_held(owner, {ours}).value());
      EXPECT_TRUE(try_lock(owner, ours).value());
    }
    EXPECT_TRUE(owner.run("drop role " + stranger));
  });
}

TEST(NamedLock, TellsItsHolder) {
  on_every_server([](const std::string& url) {
    Connection holder = session(url);
    Connection other = session(url);
    EXPECT_TRUE(try_lock(holder, store).value());
    auto process = [](Connection& one) { return one.run("select pg_backend_pid()")->text(0, 0); };
    EXPECT_TRUE(is_held_by(other, store.name, process(holder)).value());
    EXPECT_FALSE(is_held_by(other, store.name, process(other)).value());
  });
}

}  // namespace
}  // namespace bemi::pg
