// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Protects the process's secrets: none stays on its command line, none goes into a core dump,
// and no variable of libpq's leads it to another server.
#pragma once

#include <string>
#include <vector>

namespace bemi::host {

// A copy of the words; in place, those that hold a password are overwritten, so that `ps` shows
// none. They were there until now: an environment's variable never is.
std::vector<std::string> take_arguments(int argc, char** argv);

// To be called before there is a thread. Forgets libpq's variables that say where to connect and
// how values are written; those that say who one is (PGPASSWORD, PGPASSFILE, PGSSL...) stay.
void guard_process();

// The forgotten variables that had a value: {"PGPORT", "port"}.
struct ForgottenVariable {
  std::string name;
  std::string part;  // of an address
};
const std::vector<ForgottenVariable>& forgotten_variables();

}  // namespace bemi::host
