// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/recode.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/limits.hpp"
#include "change/type.hpp"
#include "decode/message.hpp"

namespace bemi::render {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view prefix = "_bemi\0"sv;
constexpr std::size_t length_bytes = 4;

// 'M', in a streamed block the transaction's id, flags, a position, then the prefix. None of the
// two fits the other's bytes.
std::size_t place_of_prefix(std::string_view payload) {
  constexpr std::array<std::size_t, 2> places{10, 14};
  for (std::size_t place : places) {
    if (payload.size() > place && payload.substr(place).starts_with(prefix)) return place;
  }
  return std::string_view::npos;
}

std::string hex_of(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex = "\\x";
  for (char c : bytes) {
    auto byte = static_cast<unsigned char>(c);
    hex.push_back(digits[byte >> 4U]);
    hex.push_back(digits[byte & 15U]);
  }
  return hex;
}

// Copies a message of pgoutput, with its texts as UTF-8.
class Copy {
 public:
  Copy(std::string_view payload, bool in_stream, const pg::StoredText& stored)
      : in_(payload), in_stream_(in_stream), stored_(stored) {}

  // nullopt: this is no message that holds text, or none that is whole.
  std::optional<std::string> made() {
    char type = in_.integer<char>();
    out_.push_back(type);
    if (type != 'O' && in_stream_) bytes(sizeof(decode::WireXid));
    if (!body(type) || in_.failed()) return std::nullopt;
    out_ += in_.rest();
    return std::move(out_);
  }

 private:
  bool body(char type) {
    switch (type) {
      case 'O': bytes(lsn_bytes), name(); return true;
      case 'R': relation(); return true;
      case 'Y': bytes(oid_bytes), name(), name(); return true;
      case 'I': bytes(oid_bytes + 1), tuple(); return true;
      case 'D': bytes(oid_bytes + 1), tuple(); return true;
      case 'U': update(); return true;
      case 'M': bytes(1 + lsn_bytes), name(); return true;
      default: return false;
    }
  }

  void bytes(std::size_t count) { out_ += in_.take(count); }

  void name() {
    out_ += stored_.to_utf8(in_.zero_ended());
    out_.push_back('\0');
  }

  void relation() {
    bytes(oid_bytes), name(), name(), bytes(1);
    auto count = in_.integer<std::uint16_t>();
    base::append_wire(out_, count);
    for (std::uint16_t i = 0; i < count && !in_.failed(); ++i) {
      bytes(1), name(), bytes(oid_bytes + sizeof(std::int32_t));
    }
  }

  void update() {
    bytes(oid_bytes);
    char kind = in_.integer<char>();
    out_.push_back(kind);
    tuple();
    if (kind == 'N') return;
    bytes(1);
    tuple();
  }

  void tuple() {
    auto count = in_.integer<std::uint16_t>();
    base::append_wire(out_, count);
    for (std::uint16_t i = 0; i < count && !in_.failed(); ++i) {
      char kind = in_.integer<char>();
      out_.push_back(kind);
      if (kind != 't') continue;
      std::string text = stored_.value_to_utf8(in_.take(in_.integer<std::uint32_t>()));
      base::append_wire(out_, static_cast<std::uint32_t>(text.size()));
      out_ += text;
    }
  }

  static constexpr std::size_t oid_bytes = sizeof(change::Oid);
  static constexpr std::size_t lsn_bytes = sizeof(std::uint64_t);
  base::ByteReader in_;
  bool in_stream_;
  const pg::StoredText& stored_;
  std::string out_;
};

}  // namespace

Recode Recode::of(pg::Connection& source) {
  std::string encoding = source.server_encoding();
  if (const auto& stored = source.stored_text()) {
    return Recode(
        [stored](std::string_view bytes) -> std::optional<std::string> {
          if (!stored->is_text(bytes)) return std::nullopt;
          return stored->to_utf8(bytes);
        },
        stored);
  }
  if (encoding == "UTF8" || encoding.empty()) return Recode();
  return Recode(
      [&source, encoding](std::string_view bytes) -> std::optional<std::string> {
        auto converted = source.query("select pg_catalog.convert_from($1::bytea, $2)",
                                      {hex_of(bytes), encoding});
        if (!converted) return std::nullopt;
        return converted->text(0, 0);
      },
      nullptr);
}

std::optional<std::string> Recode::operator()(std::string_view payload) {
  if (payload.starts_with('S')) in_stream_ = true;
  if (payload.starts_with('E')) in_stream_ = false;
  std::optional<std::string> recoded = context(payload);
  if (!stored_ || base::is_ascii(recoded ? *recoded : payload)) return recoded;
  auto copied = Copy(recoded ? *recoded : payload, in_stream_, *stored_).made();
  return copied ? std::move(copied) : std::move(recoded);
}

// A context of ours, whose content is converted.
std::optional<std::string> Recode::context(std::string_view payload) const {
  if (!to_utf8_ || !payload.starts_with('M')) return std::nullopt;
  std::size_t place = place_of_prefix(payload);
  if (place == std::string_view::npos) return std::nullopt;
  std::size_t begin = place + prefix.size() + length_bytes;
  if (payload.size() <= begin) return std::nullopt;
  std::string_view content = payload.substr(begin);
  // A message that is too large is parked as it came.
  if (base::is_ascii(content) || content.size() > base::limits::context_bytes_max)
    return std::nullopt;
  std::optional<std::string> text = to_utf8_(content);
  if (!text) return std::nullopt;
  std::string whole(payload.substr(0, begin - length_bytes));
  base::append_wire(whole, static_cast<std::uint32_t>(text->size()));
  return whole + *text;
}

}  // namespace bemi::render
