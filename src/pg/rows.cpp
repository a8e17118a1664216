// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/rows.hpp"

#include <libpq-fe.h>

#include "base/assert.hpp"
#include "base/number.hpp"

namespace bemi::pg {
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
  return base::parse_number<std::int64_t>(get(row, column).value_or("")).value_or(0);
}

bool Rows::truth(int row, int column) const { return get(row, column) == "t"; }

std::string Rows::column_name(int column) const { return PQfname(result_.get(), column); }

std::int64_t Rows::affected() const {
  return base::parse_number<std::int64_t>(PQcmdTuples(result_.get())).value_or(0);
}

}  // namespace bemi::pg
