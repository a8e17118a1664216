// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/reachable.hpp"

#include <gtest/gtest.h>

namespace bemi::deliver {
namespace {

bool may_reach(const Reachable& reachable, const char* address) {
  return reachable.may_reach(boost::asio::ip::make_address(address));
}

TEST(Reachable, IsThePublicInternetAlone) {
  Reachable reachable;
  for (const char* address :
       {"1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
        "223.255.255.255", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"}) {
    EXPECT_TRUE(may_reach(reachable, address)) << address;
  }
  for (const char* address : {"0.0.0.0",
                              "10.0.0.1",
                              "100.64.0.1",
                              "127.0.0.1",
                              "127.255.0.9",
                              "169.254.169.254",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.1.1",
                              "198.18.0.1",
                              "224.0.0.1",
                              "255.255.255.255",
                              "::",
                              "::1",
                              "fe80::1",
                              "fc00::1",
                              "fd00:ec2::254",
                              "fec0::1",
                              "ff02::1",
                              "::ffff:127.0.0.1",
                              "::ffff:10.0.0.1",
                              "::127.0.0.1",
                              "2002:7f00:1::",
                              "2002:a00:1::",
                              "64:ff9b::7f00:1",
                              "64:ff9b::a9fe:a9fe",
                              "64:ff9b:1::1",
                              "2001::1",
                              "2001:db8::1",
                              "::ffff:0.0.0.0",
                              "::ffff:169.254.169.254",
                              "::ffff:100.64.0.1",
                              "::ffff:0:7f00:1",
                              "0:0:0:0:0:ffff:7f00:1",
                              "64:ff9b::",
                              "64:ff9b::a00:1",
                              "64:ff9b::c0a8:1",
                              "64:ff9b:1:7f00:1::",
                              "2002::",
                              "2002:a9fe:a9fe::",
                              "2002:c0a8:101::1",
                              "2002:808:808::1",
                              "2001:0:7f00:1::",
                              "2001:20::1",
                              "3fff::1",
                              "5f00::1",
                              "100::1",
                              "fe80::1%1",
                              "febf::1",
                              "fdff::1",
                              "4000::1",
                              "192.0.0.1",
                              "192.88.99.1",
                              "203.0.113.1",
                              "239.255.255.255",
                              "240.0.0.1"}) {
    EXPECT_FALSE(may_reach(reachable, address)) << address;
  }
}

TEST(Reachable, IncludesTheRangesOfAFlag) {
  auto reachable = Reachable::with({"10.1.0.0/16", "::1", "127.0.0.1/32", "fd00:8000::/17"});
  ASSERT_TRUE(reachable);
  for (const char* address :
       {"10.1.2.3", "::ffff:10.1.2.3", "::1", "127.0.0.1", "8.8.8.8", "fd00:8001::"}) {
    EXPECT_TRUE(may_reach(*reachable, address)) << address;
  }
  for (const char* address : {"10.2.0.0", "127.0.0.2", "::2", "fd00::1", "64:ff9b::a01:203",
                              "2002:a01:203::", "::10.1.2.3", "::ffff:0:a01:203"}) {
    EXPECT_FALSE(may_reach(*reachable, address)) << address;
  }
  for (const char* text : {"", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "all", "/8"}) {
    EXPECT_FALSE(Reachable::with({text})) << text;
  }
}

}  // namespace
}  // namespace bemi::deliver
