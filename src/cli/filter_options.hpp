// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The flags by which several verbs choose changes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "query/change_filter.hpp"

namespace CLI {
class App;
}

namespace bemi::cli {

struct FilterOptions {
  std::string table;
  std::string primary_key;
  std::string operation;
  std::vector<std::string> context;
  std::string context_verified;
  std::int64_t transaction = 0;  // 0: any
  std::string since;
  std::string until;
};

// `operations`: those that the verb can choose, in words.
void add_filter_options(CLI::App& command, FilterOptions& options, const std::string& operations);
void add_context_option(CLI::App& command, std::vector<std::string>& context);

// An operation may be given in lower case. Fails with kind usage if the table has no valid name.
base::Result<query::ChangeFilter> filter_of(const FilterOptions& options);

// A flag's text, which is empty if the flag was not given.
std::optional<std::string> given(const std::string& text);

}  // namespace bemi::cli
