// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A row of COPY's text format as a Tuple: the baseline reads tables with it.
// Format: manual, COPY, "Text Format".
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "decode/message.hpp"

namespace bemi::decode {

class CopyRow {
 public:
  // The tuple points into this object and is valid until the next call.
  // Error of kind malformed_message when the row has not `columns` values.
  base::Result<const Tuple*> parse(std::string_view row, std::size_t columns);

 private:
  std::string text_;
  Tuple tuple_;
};

}  // namespace bemi::decode
