// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/process.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string_view>

#include "pg/address.hpp"

namespace bemi::host {
namespace {

struct Variable {
  const char* name;
  const char* part;
};

// An address means what it says, and what it leaves out is libpq's own default.
constexpr std::array<Variable, 6> places{{{"PGHOST", "host"},
                                          {"PGHOSTADDR", "hostaddr"},
                                          {"PGPORT", "port"},
                                          {"PGDATABASE", "dbname"},
                                          {"PGUSER", "user"},
                                          {"PGSERVICE", "service"}}};
// These win over the options that a connection gives, and would change the text of values.
constexpr std::array<const char*, 4> formats{"PGTZ", "PGDATESTYLE", "PGCLIENTENCODING", "PGGEQO"};

std::vector<ForgottenVariable>& forgotten() {
  static std::vector<ForgottenVariable> all;
  return all;
}

bool is_secret(std::string_view flag, const std::string& value) {
  if (flag == "--http-token") return true;
  bool may_be_address = value.contains("://") || value.contains('=');
  if (!may_be_address) return false;
  auto address = pg::parse_address(value);
  // An address that libpq cannot read may still hold a password.
  return address ? pg::has_secret(*address) : value.contains('@') || value.contains("password");
}

void overwrite(char* word, std::size_t from) {
  for (char& c : std::span(word, std::string_view(word).size()).subspan(from)) c = '*';
}

}  // namespace

std::vector<std::string> take_arguments(int argc, char** argv) {
  std::vector<std::string> words(argv, argv + argc);
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::size_t equals = words[i].starts_with("--") ? words[i].find('=') : std::string::npos;
    std::size_t begin = equals == std::string::npos ? 0 : equals + 1;
    std::string_view flag =
        begin == 0 ? words[i - 1] : std::string_view(words[i]).substr(0, equals);
    if (is_secret(flag, words[i].substr(begin))) overwrite(argv[i], begin);
  }
  return words;
}

void guard_process() {
  for (const Variable& place : places) {
    const char* value = std::getenv(place.name);
    if (value != nullptr && *value != '\0') forgotten().push_back({place.name, place.part});
    ::unsetenv(place.name);
  }
  for (const char* name : formats) ::unsetenv(name);
  // A dump holds passwords and keys. Where it goes to a program, only the second call keeps it
  // back.
  rlimit none{};
  ::setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they trace themselves
  ::prctl(PR_SET_DUMPABLE, 0);
#endif
}

const std::vector<ForgottenVariable>& forgotten_variables() { return forgotten(); }

}  // namespace bemi::host
