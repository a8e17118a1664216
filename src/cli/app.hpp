// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The program: its subcommands, their flags, and how an error leaves it.
#pragma once

namespace bemi::cli {

// 0 done, 1 failed, 2 wrong usage.
int run_program(int argc, char** argv);

}  // namespace bemi::cli
