// SPDX-License-Identifier: LGPL-3.0-or-later
//
// What a question names has to be there: an empty answer would be taken for one. Each error says
// what may have been meant.
#pragma once

#include <optional>
#include <string>

#include "base/result.hpp"
#include "pg/connection.hpp"
#include "query/change_filter.hpp"

namespace bemi::query {

// The filter, if the history has anything of its table and its source: with the record's key as it
// is stored.
base::Result<ChangeFilter> known_filter(pg::Connection& destination, ChangeFilter filter);
base::Status check_source(pg::Connection& destination, const std::optional<std::string>& source);

// Of a question that has found nothing: whether contexts have the keys that it names at all.
base::Status check_context_keys(pg::Connection& destination, const ChangeFilter& filter);
// Whether changes are grouped by a key of the context, and not by transaction, table, operation or
// source.
bool is_context_key(const std::string& by);
base::Status check_context_key(pg::Connection& destination, const std::string& key);

// The operation as it is stored, from any case. Error of kind usage: there is none of that name.
base::Result<std::string> parse_operation(const std::string& text);

// A time as people write it (2 hours ago) as PostgreSQL reads it.
base::Result<std::string> absolute_time(pg::Connection& destination, const std::string& text);
// The filter's own.
base::Status fix_times(pg::Connection& destination, ChangeFilter& filter);

}  // namespace bemi::query
