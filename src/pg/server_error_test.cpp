// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/server_error.hpp"

#include <gtest/gtest.h>

namespace bemi::pg {
namespace {

using base::ErrorKind;

TEST(KindOf, IsDecidedByTheSqlstate) {
  struct Case {
    const char* sqlstate;
    ErrorKind kind;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"", ErrorKind::connection},          {"08006", ErrorKind::connection},
           {"53300", ErrorKind::connection},     {"57P01", ErrorKind::connection},
           {"57014", ErrorKind::internal},       {"53100", ErrorKind::disk_full},
           {"58030", ErrorKind::disk_full},      {"55P03", ErrorKind::lock_timeout},
           {"55006", ErrorKind::serialization},  {"40001", ErrorKind::serialization},
           {"40P01", ErrorKind::serialization},  {"42501", ErrorKind::permission},
           {"28P01", ErrorKind::authentication}, {"28000", ErrorKind::authentication},
           {"0A000", ErrorKind::unsupported},    {"22P02", ErrorKind::rejected},
           {"23505", ErrorKind::rejected},       {"54000", ErrorKind::rejected},
           {"42P01", ErrorKind::internal},       {"XX000", ErrorKind::internal}}) {
    EXPECT_EQ(kind_of(one.sqlstate), one.kind) << one.sqlstate;
  }
}

TEST(RefusalIn, ReadsTheCodeInAnyLanguage) {
  Refusal english = refusal_in(
      "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  28P01: password "
      "authentication failed for user \"a\"\nLOCATION:  auth_failed, auth.c:324\n");
  EXPECT_EQ(english.sqlstate, "28P01");
  EXPECT_EQ(english.message,
            "connection to server at \"127.0.0.1\", port 5432 failed: FATAL:  password "
            "authentication failed for user \"a\"");
  Refusal french = refusal_in(
      "connection to server failed: FATAL:  3D000: la base de donn\u00e9es \u00ab x \u00bb "
      "n'existe pas\nEMPLACEMENT : InitPostgres, postinit.c:1030\n");
  EXPECT_EQ(french.sqlstate, "3D000");
  EXPECT_EQ(french.message.find("postinit"), std::string::npos);
}

TEST(RefusalIn, TakesTheLastOfSeveralServers) {
  Refusal refusal = refusal_in(
      "connection to server at \"a\" failed: Connection refused\n"
      "\tIs the server running on that host?\n"
      "connection to server at \"b\" failed: FATAL:  57P03: the database system is starting up\n"
      "LOCATION:  ProcessStartupPacket, postmaster.c:2296\n");
  EXPECT_EQ(refusal.sqlstate, "57P03");
  EXPECT_TRUE(refusal.message.starts_with("connection to server at \"a\""));
}

TEST(RefusalIn, TextWithoutACodeStaysAsItIs) {
  Refusal refusal = refusal_in("could not translate host name \"x\" to address: FATAL:  nothing\n");
  EXPECT_EQ(refusal.sqlstate, "");
  EXPECT_EQ(refusal.message, "could not translate host name \"x\" to address: FATAL:  nothing");
}

TEST(RefusalError, TellsWhoCanMendIt) {
  auto kind = [](const char* code, bool replication = false) {
    return refusal_error({.sqlstate = code, .message = "m"}, replication).kind;
  };
  EXPECT_EQ(kind("28P01"), ErrorKind::authentication);
  EXPECT_EQ(kind("3D000"), ErrorKind::usage);
  EXPECT_EQ(kind("42501", true), ErrorKind::permission);
  EXPECT_EQ(kind("53300"), ErrorKind::connection);
  EXPECT_EQ(kind("57P03"), ErrorKind::connection);
  EXPECT_EQ(kind("XX000"), ErrorKind::connection);
  EXPECT_EQ(kind(""), ErrorKind::connection);
  EXPECT_NE(refusal_error({"42501", "m"}, true).hint.find("REPLICATION"), std::string::npos);
}

}  // namespace
}  // namespace bemi::pg
