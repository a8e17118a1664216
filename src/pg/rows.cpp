// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/rows.hpp"

#include <charconv>

#include <libpq-fe.h>

#include "base/assert.hpp"

namespace pg {
namespace {

std::int64_t parse_integer(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Rows::Rows(PGresult* result) : result_(result) {}

void Rows::Clear::operator()(PGresult* result) const { PQclear(result); }

int Rows::count() const { return PQntuples(result_.get()); }

int Rows::columns() const { return PQnfields(result_.get()); }

std::optional<std::string_view> Rows::get(int row, int column) const {
  ASSERT(row >= 0 && row < count() && column >= 0 && column < columns());
  if (PQgetisnull(result_.get(), row, column)) return std::nullopt;
  return std::string_view(PQgetvalue(result_.get(), row, column),
                          static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
}

std::string Rows::text(int row, int column) const {
  return std::string(get(row, column).value_or(std::string_view{}));
}

std::int64_t Rows::integer(int row, int column) const {
  return parse_integer(get(row, column).value_or(std::string_view{}));
}

bool Rows::truth(int row, int column) const { return get(row, column) == "t"; }

std::string Rows::column_name(int column) const { return PQfname(result_.get(), column); }

std::int64_t Rows::affected() const { return parse_integer(PQcmdTuples(result_.get())); }

}  // namespace pg
