// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Rows: the answer of one statement, owned. Values are text; a null is nullopt.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

typedef struct pg_result PGresult;

namespace bemi::pg {

class Rows {
 public:
  explicit Rows(PGresult* result);

  [[nodiscard]] int count() const;
  [[nodiscard]] bool empty() const { return count() == 0; }
  [[nodiscard]] int columns() const;
  // \pre 0 <= row < count(), 0 <= column < columns(). The view lives as long as the Rows.
  [[nodiscard]] std::optional<std::string_view> get(int row, int column) const;
  // For columns that the statement guarantees non-null; a null reads as "".
  [[nodiscard]] std::string text(int row, int column) const;
  [[nodiscard]] std::int64_t integer(int row, int column) const;
  [[nodiscard]] bool truth(int row, int column) const;
  [[nodiscard]] std::string column_name(int column) const;
  // Rows changed by an INSERT, UPDATE, DELETE or COPY.
  [[nodiscard]] std::int64_t affected() const;

 private:
  struct Clear {
    void operator()(PGresult* result) const;
  };
  std::unique_ptr<PGresult, Clear> result_;
};

}  // namespace bemi::pg
