// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/app.hpp"

int main(int argc, char** argv) { return bemi::cli::run_program(argc, argv); }
