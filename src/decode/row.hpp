// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A tuple as the JSON texts that are stored: the row, its exact texts, its fidelity, its key.
#pragma once

#include <string>

#include "change/relation.hpp"
#include "decode/message.hpp"

namespace bemi::decode {

// Remarks on values that JSON cannot hold, gathered over both sides of a change:
// exact {"before": {"column": "text"}, "after": {...}}, fidelity {"before": {"column": "unknown"},
// ...}.
class Remarks {
 public:
  void add(std::string_view side, std::string_view column, std::string_view remark);
  [[nodiscard]] bool empty() const { return before_.empty() && after_.empty(); }
  // The JSON object, or empty when nothing was remarked.
  [[nodiscard]] std::string text() const;

 private:
  std::string before_;
  std::string after_;
};

struct RowRemarks {
  Remarks exact;
  Remarks fidelity;
};

enum class Side { before, after };

// Appends the row as a JSON object. Unchanged values are taken from `old` when it has them, else
// left out and remarked "unknown"; with `key_only` the columns outside the replica identity are
// left out likewise. A redacted column is left out and remarked "redacted".
void append_row(std::string& out, const change::Relation& relation, const Tuple& tuple,
                const Tuple* old, bool key_only, Side side, RowRemarks& remarks);

// Appends the primary_key text: one column its text, several a JSON array of texts. Returns false
// when the relation has no key or a key column's value is not there.
bool append_primary_key(std::string& out, const change::Relation& relation, const Tuple& tuple,
                        const Tuple* old);

// Whether anything but ignored columns differs between two whole rows. Unchanged counts as equal.
bool differs(const change::Relation& relation, const Tuple& before, const Tuple& after);

}  // namespace bemi::decode
