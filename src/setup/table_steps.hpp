// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Decides what each table needs before it is tracked: a replica identity, a place in the
// publication. Pure; plan.cpp asks the source and adds the rest.
#pragma once

#include <string>
#include <vector>

#include "setup/record.hpp"
#include "setup/setup.hpp"

namespace bemi::setup {

// "schema.table", for people.
std::string name_of(const wal::Table& table);

// `tables`: all that there are, as a partitioned table depends on its partitions.
bool needs_anything(const wal::Table& table, const std::vector<wal::Table>& tables,
                    const Settings& settings);

}  // namespace bemi::setup
