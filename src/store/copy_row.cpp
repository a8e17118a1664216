// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/copy_row.hpp"

#include <charconv>

#include "base/assert.hpp"
#include "store/change_id.hpp"

namespace store {
namespace {

constexpr std::size_t slice_bytes = 256UL << 10;

bool is_special(char c) { return c == '\\' || c == '\n' || c == '\t' || c == '\r'; }

void append_uuid(std::string& out, const Uuid& id) {
  static constexpr char hex[] = "0123456789abcdef";
  for (unsigned char byte : id) {
    out.push_back(hex[byte >> 4]);
    out.push_back(hex[byte & 15]);
  }
}

void append_integer(std::string& out, std::uint64_t value) {
  char digits[20];
  auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
  out.append(digits, end);
}

void append_field(std::string& out, std::string_view text) {
  append_copy_text(out, text);
  out.push_back('\t');
}

// A large row in slices, so that it is not held once more as a whole.
base::Status append_row(std::string& out, std::string_view text, const RowEncoder::Drain& drain) {
  while (text.size() > slice_bytes) {
    append_copy_text(out, text.substr(0, slice_bytes));
    text.remove_prefix(slice_bytes);
    TRY(drain(out));
  }
  append_field(out, text);
  return {};
}

// Empty stands for SQL NULL.
void append_optional(std::string& out, std::string_view text, char separator) {
  if (text.empty()) {
    out += "\\N";
  } else {
    append_copy_text(out, text);
  }
  out.push_back(separator);
}

}  // namespace

void append_copy_text(std::string& out, std::string_view text) {
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!is_special(text[i])) [[likely]]
      continue;
    out.append(text, copied, i - copied);
    copied = i + 1;
    out.push_back('\\');
    switch (text[i]) {
      case '\n': out.push_back('n'); break;
      case '\t': out.push_back('t'); break;
      case '\r': out.push_back('r'); break;
      default: out.push_back('\\');
    }
  }
  out.append(text, copied, text.size() - copied);
}

const char* RowEncoder::columns() {
  return R"(id, source, database, schema, "table", primary_key, operation, before, after, context, )"
         R"(committed_at, effective_at, queued_at, transaction_id, epoch, commit_position, )"
         R"(position, sequence, exact, fidelity)";
}

void RowEncoder::begin(const change::Transaction& transaction, base::Timestamp effective_at,
                       int epoch) {
  transaction_ = transaction;
  epoch_ = epoch;
  place_.clear();
  append_field(place_, source_);
  append_field(place_, database_);
  times_.clear();
  for (base::Timestamp time : {transaction.committed_at, effective_at, transaction.queued_at}) {
    append_field(times_, base::format(time));
  }
  append_field(times_, std::to_string(transaction.id));
  append_field(times_, std::to_string(epoch));
  append_field(times_, std::to_string(transaction.commit_position.value));
}

base::Status RowEncoder::append(std::string& out, const change::Change& change,
                                const Drain& drain) const {
  ASSERT(change.relation != nullptr);
  append_uuid(out,
              change_id(transaction_.committed_at, {.source = source_,
                                                    .epoch = epoch_,
                                                    .commit_position = transaction_.commit_position,
                                                    .sequence = change.sequence}));
  out.push_back('\t');
  out += place_;
  append_field(out, change.relation->schema);
  append_field(out, change.relation->table);
  if (change.has_key) {
    append_field(out, change.primary_key);
  } else {
    out += "\\N\t";
  }
  append_field(out, change::name(change.operation));
  TRY(append_row(out, change.before, drain));
  TRY(append_row(out, change.after, drain));
  append_field(out, change.context);
  out += times_;
  append_integer(out, change.position.value);
  out.push_back('\t');
  append_integer(out, change.sequence);
  out.push_back('\t');
  append_optional(out, change.exact, '\t');
  append_optional(out, change.fidelity, '\n');
  return {};
}

}  // namespace store
