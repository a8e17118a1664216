// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/storable_context.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/json.hpp"
#include "base/printable.hpp"
#include "pg/connection.hpp"

namespace bemi::store {
namespace {

constexpr std::string_view mark = R"(,"_bemi":{"escaped":true})";
constexpr std::size_t escape_length = 6;  // \u0000

bool is_plain(std::string_view context) {
  return base::is_ascii(context) && !context.contains("\\u");
}

bool is_high(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }

void append_utf8(std::string& out, std::uint32_t point) {
  auto tail = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | (point >> shift & 0x3FU)));
  };
  if (point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | point >> 6U));
  } else if (point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | point >> 12U));
    tail(6);
  } else {
    out.push_back(static_cast<char>(0xF0U | point >> 18U));
    tail(12), tail(6);
  }
  tail(0);
}

// Appends the escape as text: its backslash is itself escaped.
void append_text_of_escape(std::string& out, std::uint32_t point) {
  if (point < 0x10000) {
    out += fmt::format(R"(\\u{:04x})", point);
    return;
  }
  std::uint32_t above = point - 0x10000;
  out += fmt::format(R"(\\u{:04x}\\u{:04x})", 0xD800 + (above >> 10U), 0xDC00 + (above & 0x3FFU));
}

// Copies JSON text: outside of strings, there is neither a backslash nor anything beyond ASCII.
class Copy {
 public:
  Copy(std::string_view from, const pg::KnownCharacters& known) : from_(from), known_(known) {}

  std::string made() {
    out_.reserve(from_.size() + from_.size() / 4);
    while (at_ < from_.size()) {
      if (from_[at_] == '\\') {
        escape();
      } else if (static_cast<unsigned char>(from_[at_]) >= 0x80) {
        base::Character character = base::character_at(from_, at_);
        at_ += character.bytes;
        append(character.point);
      } else {
        out_.push_back(from_[at_++]);
      }
    }
    if (has_unknown_) out_.insert(out_.rfind('}'), mark);
    return std::move(out_);
  }

 private:
  void escape() {
    if (from_.substr(at_, 2) != "\\u") {
      out_ += from_.substr(at_, 2);
      at_ += 2;
      return;
    }
    std::size_t begin = at_;
    std::uint32_t point = unit();
    if (is_high(point)) point = 0x10000 + ((point - 0xD800) << 10U) + (unit() - 0xDC00);
    if (point < 0x80) {
      out_ += from_.substr(begin, at_ - begin);
    } else {
      append(point);
    }
  }

  std::uint32_t unit() {
    std::string_view digits = from_.substr(at_, escape_length).substr(2);
    std::uint32_t unit = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), unit, 16);
    at_ += escape_length;
    return unit;
  }

  void append(std::uint32_t point) {
    if (known_.has(point)) return append_utf8(out_, point);
    has_unknown_ = true;
    append_text_of_escape(out_, point);
  }

  std::string_view from_;
  const pg::KnownCharacters& known_;
  std::size_t at_ = 0;
  std::string out_;
  bool has_unknown_ = false;
};

}  // namespace

std::string storable_context(std::string_view context, const pg::KnownCharacters& known) {
  return Copy(context, known).made();
}

base::Result<StorableContexts> StorableContexts::of(pg::Connection& destination) {
  if (destination.server_encoding() == "UTF8") return StorableContexts();
  TRY_ASSIGN(auto known, pg::KnownCharacters::of(destination));
  return StorableContexts(std::move(known));
}

std::shared_ptr<const std::string> StorableContexts::fitted(const change::Batch& batch,
                                                            std::string_view context) {
  auto large = std::ranges::find(batch.shared, context.data(),
                                 [](const auto& text) { return text->data(); });
  if (large != batch.shared.end() && *large == large_) return large_fitted_;
  auto made = std::make_shared<const std::string>(storable_context(context, *known_));
  if (large != batch.shared.end()) {
    large_ = *large;
    large_fitted_ = made;
  }
  return made;
}

void StorableContexts::fit(change::Batch& batch) {
  if (!known_) return;
  std::string_view last;
  std::shared_ptr<const std::string> last_fitted;
  for (change::Change& change : batch.changes) {
    bool is_same = change.context.data() == last.data() && change.context.size() == last.size();
    if (!is_same) {
      if (is_plain(change.context)) continue;
      last = change.context;
      last_fitted = fitted(batch, last);
      batch.shared.push_back(last_fitted);
    }
    change.context = *last_fitted;
  }
}

}  // namespace bemi::store
