// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/copy_row.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/bytes.hpp"

namespace bemi::store {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t slice_bytes = 256UL << 10;
// In the order of append(). The server fills in created_at.
constexpr std::string_view column_list =
    R"(id, source, database, schema, "table", primary_key, operation, before, after, context, )"
    R"(committed_at, effective_at, queued_at, transaction_id, epoch, commit_position, )"
    R"(position, sequence, exact, fidelity, context_verified)";
constexpr auto field_count = static_cast<std::int16_t>(std::ranges::count(column_list, ',') + 1);
constexpr std::int32_t null_length = -1;
constexpr char jsonb_version = 1;  // jsonb_recv takes a version and text

void append_field(std::string& out, std::string_view bytes) {
  base::append_wire(out, static_cast<std::int32_t>(bytes.size()));
  out += bytes;
}

template <class Int>
void append_number(std::string& out, Int value) {
  base::append_wire(out, static_cast<std::int32_t>(sizeof(Int)));
  base::append_wire(out, value);
}

void append_null(std::string& out) { base::append_wire(out, null_length); }

void append_boolean(std::string& out, std::optional<bool> value) {
  if (!value) return append_null(out);
  append_number(out, static_cast<std::int8_t>(*value ? 1 : 0));
}

void append_json_head(std::string& out, std::string_view text) {
  base::append_wire(out, static_cast<std::int32_t>(text.size() + 1));
  out.push_back(jsonb_version);
}

// Empty stands for SQL NULL.
void append_json(std::string& out, std::string_view text) {
  if (text.empty()) return append_null(out);
  append_json_head(out, text);
  out += text;
}

// A large row in slices, so that it is not held once more as a whole.
base::Status append_row(std::string& out, std::string_view text, const RowEncoder::Drain& drain) {
  append_json_head(out, text);
  while (text.size() > slice_bytes) {
    out += text.substr(0, slice_bytes);
    text.remove_prefix(slice_bytes);
    TRY(drain(out));
  }
  out += text;
  return {};
}

bool is_special(char c) { return c == '\\' || c == '\n' || c == '\t' || c == '\r'; }

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

std::string_view RowEncoder::columns() { return column_list; }

std::string RowEncoder::copy_command(const std::string& table) {
  return "copy " + table + " (" + std::string(column_list) + ") from stdin (format binary)";
}

// The signature, no flags, no extension.
std::string_view RowEncoder::header() { return "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"sv; }
std::string_view RowEncoder::trailer() { return "\377\377"sv; }

void RowEncoder::begin(const change::Transaction& transaction, base::Timestamp effective_at,
                       int epoch) {
  transaction_ = transaction;
  epoch_ = epoch;
  place_.clear();
  append_field(place_, source_);
  append_field(place_, database_);
  times_.clear();
  for (base::Timestamp time : {transaction.committed_at, effective_at, transaction.queued_at}) {
    append_number(times_, time.postgres_us());
  }
  append_number(times_, static_cast<std::int64_t>(transaction.id));
  append_number(times_, static_cast<std::int32_t>(epoch));
  append_number(times_, static_cast<std::int64_t>(transaction.commit_position.value));
}

Uuid RowEncoder::id_of(const change::Change& change) const {
  return change_id(transaction_.committed_at, {.source = source_,
                                               .epoch = epoch_,
                                               .commit_position = transaction_.commit_position,
                                               .sequence = change.sequence});
}

base::Status RowEncoder::append(std::string& out, const change::Change& change,
                                const Drain& drain) const {
  ASSERT(change.relation != nullptr);
  base::append_wire(out, field_count);
  Uuid id = id_of(change);
  base::append_wire(out, static_cast<std::int32_t>(id.size()));
  out.append(reinterpret_cast<const char*>(id.data()), id.size());
  out += place_;
  append_field(out, change.relation->schema);
  append_field(out, change.relation->table);
  if (change.has_key) {
    append_field(out, change.primary_key);
  } else {
    append_null(out);
  }
  append_field(out, change::name(change.operation));
  TRY(append_row(out, change.before, drain));
  TRY(append_row(out, change.after, drain));
  append_json(out, change.context);
  out += times_;
  append_number(out, static_cast<std::int64_t>(change.position.value));
  append_number(out, static_cast<std::int64_t>(change.sequence));
  append_json(out, change.exact);
  append_json(out, change.fidelity);
  append_boolean(out, change.context_verified);
  return {};
}

}  // namespace bemi::store
