// SPDX-License-Identifier: LGPL-3.0-or-later
#include "decode/copy_row.hpp"

namespace bemi::decode {
namespace {

char unescaped(char c) {
  switch (c) {
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    default: return c;
  }
}

}  // namespace

base::Result<const Tuple*> CopyRow::parse(std::string_view row, std::size_t columns) {
  tuple_.clear();
  text_.clear();
  // Never longer than the row: the views into it stay where they are.
  text_.reserve(row.size());
  std::size_t at = 0;
  while (tuple_.size() < columns) {
    std::size_t end = row.find('\t', at);
    std::string_view field = row.substr(at, end == std::string_view::npos ? end : end - at);
    if (field == "\\N") {
      tuple_.push_back({Value::Kind::null, {}});
    } else {
      std::size_t begin = text_.size();
      for (std::size_t i = 0; i < field.size(); ++i) {
        bool escape = field[i] == '\\' && i + 1 < field.size();
        text_.push_back(escape ? unescaped(field[++i]) : field[i]);
      }
      tuple_.push_back({Value::Kind::text, std::string_view(text_).substr(begin)});
    }
    if (end == std::string_view::npos) break;
    at = end + 1;
  }
  if (columns == 0 || tuple_.size() == columns) return &tuple_;
  return base::fail(base::ErrorKind::malformed_message,
                    "a row of COPY has the wrong number of values");
}

}  // namespace bemi::decode
