// SPDX-License-Identifier: LGPL-3.0-or-later
//
// ChangeFilter: which changes somebody means; and Where: its clause, every value a parameter.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "pg/connection.hpp"
#include "query/table_name.hpp"

namespace bemi::query {

struct ChangeFilter {
  std::optional<TableName> table;
  std::optional<std::string> primary_key;
  std::optional<std::string> operation;         // as stored: CREATE, ...
  std::vector<std::string> context;             // KEY=VALUE, all must hold
  std::vector<std::string> without_context;     // keys that must not be there
  std::optional<std::string> context_verified;  // "true", "false", or "null" for not signed
  std::vector<std::string> texts;               // in the row or the context; case does not matter
  std::optional<std::int64_t> transaction;
  std::optional<std::string> since;  // timestamps, as PostgreSQL reads them; inclusive
  std::optional<std::string> until;  // exclusive
  std::optional<std::string> source;
  std::vector<std::string> ids;  // of changes, any of them
  struct Commit {
    std::int64_t epoch = 0;
    std::int64_t position = 0;
  };
  std::optional<Commit> after;  // committed later than that
};

// Changes of an array of ids; `parameter` is $1 or the like, and holds it as JSON.
std::string among_ids(std::string_view parameter);

// KEY=VALUE as JSON objects: with the value as a string and, where it reads as one, as a number or
// a truth value, digits kept. Error of kind usage: it is not KEY=VALUE.
struct ContextFilter {
  std::string as_text;
  std::optional<std::string> as_scalar;
};
base::Result<ContextFilter> parse_context_filter(const std::string& text);

// The contexts of a filter as `_bemi.times_of_contexts` takes them.
base::Result<std::string> contexts_of(const ChangeFilter& filter);

// A WHERE clause under construction, with its parameters.
class Where {
 public:
  // `condition` has {} where the value goes.
  void add(std::string_view condition, std::string value);
  void add_raw(const std::string& condition);
  // $1, $2, ...
  std::string bind(std::string value);

  // " where ... and ...", or nothing.
  [[nodiscard]] std::string clause() const;
  // "... and ...", or "true": to stand among others.
  [[nodiscard]] std::string condition() const { return clause_.empty() ? "true" : clause_; }
  [[nodiscard]] const std::vector<pg::Parameter>& parameters() const { return parameters_; }
  // Begins another condition that shares the parameters.
  void begin_anew() { clause_.clear(); }

 private:
  std::string clause_;
  std::vector<pg::Parameter> parameters_;
};

// A filter as SQL over the columns of `changes`, with its $1, $2, ...; "true" for none.
struct Condition {
  std::string sql;
  std::vector<pg::Parameter> parameters;
};
base::Result<Condition> condition_of(const ChangeFilter& filter);

// Adds what `filter` says; a table without a schema is one of public. Error of kind usage: a
// context filter that is not KEY=VALUE.
base::Status add_filter(Where& where, const ChangeFilter& filter);

}  // namespace bemi::query
