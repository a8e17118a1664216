// SPDX-License-Identifier: LGPL-3.0-or-later
#include "base/json.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "base/limits.hpp"
#include "base/number.hpp"
#include "base/utf8.hpp"

namespace bemi::base {

namespace {

// Whether a JSON string holds these eight bytes as they are: none below 0x20, no quote, no
// backslash. It may say no where the answer is yes.
bool eight_plain(const char* bytes) {
  constexpr std::uint64_t each = 0x0101'0101'0101'0101;
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  auto zero = [](std::uint64_t w) { return (w - each) & ~w; };
  std::uint64_t control = (word - each * 0x20) & ~word;
  return ((control | zero(word ^ (each * '"')) | zero(word ^ (each * '\\'))) & (each * 0x80)) == 0;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out.push_back('"');
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (text.size() - i >= 8 && eight_plain(text.data() + i)) i += 8;
    if (i == text.size()) break;
    auto byte = static_cast<unsigned char>(text[i]);
    if (byte >= 0x20 && byte != '"' && byte != '\\') [[likely]]
      continue;
    out.append(text, copied, i - copied);
    copied = i + 1;
    switch (byte) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        out += "\\u00";
        out.push_back(hex[byte >> 4]);
        out.push_back(hex[byte & 15]);
    }
  }
  out.append(text, copied, text.size() - copied);
  out.push_back('"');
}

bool is_ascii(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  Utf8Character found = utf8_at(text, at);
  bool is_surrogate = found.point >= 0xD800 && found.point <= 0xDFFF;
  return is_surrogate ? 0 : found.bytes;
}

bool valid_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = utf8_length(text, at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

namespace {

// Recursive descent over one JSON text (RFC 8259). Three verdicts: well formed, taken by jsonb, and
// written as jsonb itself writes.
class Scanner {
 public:
  Scanner(std::string_view text, std::string_view wanted, JsonMembers* members = nullptr,
          int depth_max = limits::json_depth_max)
      : text_(text), wanted_(wanted), members_(members), depth_max_(depth_max) {}

  JsonScan run() {
    skip_space(0);
    bool is_object = peek() == '{';
    bool valid = value(0);
    skip_space(0);
    valid = valid && at_ == text_.size();
    return {.valid = valid,
            .object = valid && is_object,
            .fits_jsonb = valid && fits_,
            .as_jsonb_prints = valid && fits_ && printed_,
            .member = member_};
  }
  [[nodiscard]] bool too_deep() const { return too_deep_; }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool eat(char c) {
    if (peek() != c || at_ >= text_.size()) return false;
    ++at_;
    return true;
  }
  // `printed`: how many spaces jsonb puts here.
  void skip_space(std::size_t printed) {
    std::size_t start = at_;
    bool only_spaces = true;
    while (at_ < text_.size() &&
           std::string_view(" \t\n\r").find(text_[at_]) != std::string_view::npos)
      only_spaces = text_[at_++] == ' ' && only_spaces;
    printed_ = printed_ && only_spaces && at_ - start == printed;
  }
  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool value(int depth) {
    if (depth > depth_max_) {
      too_deep_ = true;
      return false;
    }
    switch (peek()) {
      case '{': return object(depth);
      case '[': return array(depth);
      case '"': return string();
      case 't': return word("true");
      case 'f': return word("false");
      case 'n': return word("null");
      default: return number();
    }
  }

  bool object(int depth) {
    ++at_;
    skip_space(0);
    if (eat('}')) return true;
    std::size_t separator = at_;
    std::string_view previous;
    bool first = true;
    while (true) {
      if (!first) skip_space(1);
      std::size_t key = at_;
      if (!string()) return false;
      std::string_view name = text_.substr(key + 1, at_ - key - 2);
      // jsonb orders keys by their meaning, and a key with an escape is shorter than its spelling.
      // Then "no" is the safe answer.
      bool escaped = previous.find('\\') != std::string_view::npos ||
                     name.find('\\') != std::string_view::npos;
      if (!first && (escaped || !jsonb_orders(previous, name))) printed_ = false;
      previous = name;
      skip_space(0);
      if (!eat(':')) return false;
      skip_space(1);
      std::size_t begin = at_;
      if (!value(depth + 1)) return false;
      std::size_t end = at_;
      skip_space(0);
      bool more = eat(',');
      if (depth == 0 && members_ != nullptr) {
        members_->insert_or_assign(text_.substr(key, name.size() + 2),
                                   text_.substr(begin, end - begin));
      }
      if (depth == 0 && !wanted_.empty() && name == wanted_) {
        // A first member takes the comma behind it along, a later one the comma before it.
        std::size_t cut_begin = first ? key : separator;
        member_ =
            JsonMember{cut_begin, first && more ? at_ : end, text_.substr(begin, end - begin)};
      }
      if (!more) return eat('}');
      separator = at_ - 1;
      first = false;
    }
  }

  bool array(int depth) {
    ++at_;
    skip_space(0);
    if (eat(']')) return true;
    while (true) {
      if (!value(depth + 1)) return false;
      skip_space(0);
      if (eat(']')) return true;
      if (!eat(',')) return false;
      skip_space(1);
    }
  }

  // jsonb sorts its keys by length, then by bytes, and keeps each once.
  static bool jsonb_orders(std::string_view before, std::string_view after) {
    return before.size() != after.size() ? before.size() < after.size() : before < after;
  }

  bool string() {
    if (!eat('"')) return false;
    while (at_ < text_.size()) {
      auto byte = static_cast<unsigned char>(text_[at_++]);
      if (byte == '"') return true;
      if (byte < 0x20) return false;
      if (byte == '\\' && !escape()) return false;
    }
    return false;
  }

  bool escape() {
    char kind = peek();
    ++at_;
    if (kind == 'u' || kind == '/') printed_ = false;
    if (kind != 'u')
      return std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos && kind != '\0';
    std::uint32_t unit = 0;
    if (!hex4(unit)) return false;
    if (unit == 0) fits_ = false;
    if (unit >= 0xdc00 && unit <= 0xdfff) fits_ = false;  // a low surrogate with no high one
    if (unit >= 0xd800 && unit <= 0xdbff) low_surrogate();
    return true;
  }

  // After a high surrogate: consumes the low one that must follow, else leaves the place alone.
  void low_surrogate() {
    std::size_t start = at_;
    std::uint32_t low = 0;
    if (word("\\u") && hex4(low) && low >= 0xdc00 && low <= 0xdfff) return;
    at_ = start;
    fits_ = false;
  }

  bool hex4(std::uint32_t& unit) {
    if (text_.size() - at_ < 4) return false;
    unit = 0;
    for (int k = 0; k < 4; ++k) {
      char c = text_[at_++];
      std::uint32_t digit = 0;
      if (c >= '0' && c <= '9')
        digit = static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        digit = static_cast<std::uint32_t>(c - 'a') + 10;
      else if (c >= 'A' && c <= 'F')
        digit = static_cast<std::uint32_t>(c - 'A') + 10;
      else
        return false;
      unit = unit * 16 + digit;
    }
    return true;
  }

  std::size_t digits() {
    std::size_t start = at_;
    while (peek() >= '0' && peek() <= '9') ++at_;
    return at_ - start;
  }

  bool number() {
    std::size_t begin = at_;
    bool below_zero = eat('-');
    std::size_t integer = 0;
    if (eat('0')) {
      integer = 1;
    } else {
      integer = digits();
      if (integer == 0) return false;
    }
    std::size_t fraction = 0;
    if (eat('.')) {
      fraction = digits();
      if (fraction == 0) return false;
    }
    long exponent = 0;
    if (eat('e') || eat('E')) {
      bool negative = eat('-');
      if (!negative) eat('+');
      std::size_t start = at_;
      std::size_t count = digits();
      if (count == 0) return false;
      exponent = base::parse_number<long>(text_.substr(start, count)).value_or(1'000'000'000);
      if (negative) exponent = -exponent;
    }
    std::string_view text = text_.substr(begin, at_ - begin);
    bool zero = text.find_first_not_of("-0.") == std::string_view::npos;
    bool has_exponent = text.find_first_of("eE") != std::string_view::npos;
    if (has_exponent || (below_zero && zero)) printed_ = false;
    // numeric: at most 131072 digits before the point and 16383 after it.
    if (static_cast<long>(integer) + exponent > 131'072) fits_ = false;
    if (static_cast<long>(fraction) - exponent > 16'383) fits_ = false;
    // jsonb writes 1e100000 out: a few kilobytes of them would be more text than a server can give.
    if (has_exponent && fits_) growth_ += static_cast<std::size_t>(std::abs(exponent));
    if (growth_ > limits::json_growth_bytes_max) fits_ = false;
    return true;
  }

  std::string_view text_;
  std::string_view wanted_;
  JsonMembers* members_;
  int depth_max_;
  std::size_t at_ = 0;
  bool too_deep_ = false;
  std::size_t growth_ = 0;
  bool fits_ = true;
  bool printed_ = true;
  std::optional<JsonMember> member_;
};

}  // namespace

JsonScan scan_json_object(std::string_view text, std::string_view member_name) {
  if (!valid_utf8(text)) return {};
  return Scanner(text, member_name).run();
}

JsonMembers json_members(std::string_view valid_object) {
  JsonMembers members;
  Scanner(valid_object, {}, &members).run();
  return members;
}

Status check_json(std::string_view text, const JsonBounds& bounds) {
  if (text.size() > bounds.bytes_max) return fail(ErrorKind::limit, "too large");
  if (!valid_utf8(text)) return fail(ErrorKind::malformed_message, "not UTF-8");
  Scanner scanner(text, {}, nullptr, bounds.depth_max);
  JsonScan scan = scanner.run();
  if (scanner.too_deep()) return fail(ErrorKind::limit, "too deep");
  if (!scan.valid) return fail(ErrorKind::malformed_message, "not JSON");
  if (!scan.fits_jsonb)
    return fail(ErrorKind::malformed_message, "contains a value that jsonb cannot hold");
  return {};
}

bool json_fits_jsonb(std::string_view valid_json) {
  return Scanner(valid_json, {}).run().fits_jsonb;
}

}  // namespace bemi::base
