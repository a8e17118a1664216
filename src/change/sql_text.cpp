// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/sql_text.hpp"

#include <algorithm>

namespace bemi::change {
namespace {

constexpr std::string_view cut_off = "...";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool starts_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80U;
}
bool in_word(char c) { return starts_word(c) || is_digit(c) || c == '$'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals(std::string_view word, std::string_view lower_case) {
  return std::ranges::equal(word, lower_case, {}, lower);
}
// One pass over the tokens (manual, "Lexical Structure").
class Shape {
 public:
  Shape(std::string_view sql, bool passwords_only) : sql_(sql), passwords_only_(passwords_only) {}

  std::string run() {
    while (at_ < sql_.size() && !ended_) token();
    return std::move(out_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0';
  }

  void token() {
    char c = peek();
    if (c == '-' && peek(1) == '-') return line_comment();
    if (c == '/' && peek(1) == '*') return block_comment();
    if (c == '\'') return quoted(/*escapes=*/false);
    if (c == '"') return identifier();
    if (c == '$' && !is_digit(peek(1))) return dollar();
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
    if (starts_word(c)) return word();
    if (c == '$') {  // a parameter: its number is no value
      out_.push_back(sql_[at_++]);
      while (is_digit(peek())) out_.push_back(sql_[at_++]);
      return;
    }
    out_.push_back(c);
    ++at_;
  }

  void word() {
    std::size_t begin = at_;
    while (in_word(peek())) ++at_;
    std::string_view text = sql_.substr(begin, at_ - begin);
    out_ += text;
    if (peek() == '\'') return quoted(equals(text, "e"));
    after_password_ = equals(text, "password") || (after_password_ && equals(text, "u"));
  }

  // The literal from `begin` to here.
  void literal(std::size_t begin) {
    std::string_view text = sql_.substr(begin, at_ - begin);
    bool keep = passwords_only_ && !after_password_ && !speaks_of_password(text);
    out_ += keep ? text : "?";
  }

  void quoted(bool escapes) {
    std::size_t begin = at_++;
    while (at_ < sql_.size()) {
      if (peek() == '\\' && escapes) {
        at_ = std::min(at_ + 2, sql_.size());
      } else if (peek() == '\\' && peek(1) == '\'') {
        return cut();  // the literal's end, or not, by standard_conforming_strings
      } else if (peek() == '\'' && peek(1) == '\'') {
        at_ += 2;
      } else if (peek() == '\'') {
        ++at_;
        return literal(begin);
      } else {
        ++at_;
      }
    }
    cut();
  }

  void identifier() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && sql_[end] != '"') ++end;
    if (end == sql_.size()) return cut();
    out_ += sql_.substr(at_, end + 1 - at_);
    at_ = end + 1;
  }

  void dollar() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && in_word(sql_[end]) && sql_[end] != '$') ++end;
    if (end == sql_.size() || sql_[end] != '$') {
      out_.push_back(sql_[at_++]);
      return;
    }
    std::string_view tag = sql_.substr(at_, end + 1 - at_);
    std::size_t close = sql_.find(tag, end + 1);
    if (close == std::string_view::npos) return cut();
    std::size_t begin = at_;
    at_ = close + tag.size();
    literal(begin);
  }

  void number() {
    std::size_t begin = at_;
    while (in_word(peek()) || peek() == '.' ||
           ((peek() == '+' || peek() == '-') && lower(sql_[at_ - 1]) == 'e'))
      ++at_;
    out_ += passwords_only_ ? sql_.substr(begin, at_ - begin) : "?";
  }

  void line_comment() {
    std::size_t end = std::min(sql_.find('\n', at_), sql_.size());
    comment(end);
  }

  void block_comment() {
    std::size_t end = at_ + 2;
    for (int depth = 1; depth > 0; ++end) {
      if (end + 1 >= sql_.size()) return comment(sql_.size());
      std::string_view two = sql_.substr(end, 2);
      if (two != "/*" && two != "*/") continue;
      depth += two == "/*" ? 1 : -1;
      ++end;
    }
    comment(end);
  }

  void comment(std::size_t end) {
    std::string_view text = sql_.substr(at_, end - at_);
    out_ += passwords_only_ && !speaks_of_password(text) ? text : " ";
    at_ = end;
  }

  void cut() {
    out_ += cut_off;
    ended_ = true;
  }

  std::string_view sql_;
  bool passwords_only_;
  std::size_t at_ = 0;
  bool after_password_ = false;
  bool ended_ = false;
  std::string out_;
};

}  // namespace

bool speaks_of_password(std::string_view text) {
  return !std::ranges::search(text, std::string_view("password"), {}, lower).empty();
}

std::string without_literals(std::string_view sql) {
  return Shape(sql, /*passwords_only=*/false).run();
}

std::string without_passwords(std::string_view sql) {
  if (!speaks_of_password(sql)) return std::string(sql);
  return Shape(sql, /*passwords_only=*/true).run();
}

}  // namespace bemi::change
