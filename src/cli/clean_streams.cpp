// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/clean_streams.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <string_view>

#include "base/printable.hpp"

namespace bemi::cli {
namespace {

// Colours, and what a line of progress begins with.
constexpr std::array<std::string_view, 8> own_sequences{
    "\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[36m", "\x1b[K"};

std::size_t own_sequence_at(std::string_view text, std::size_t at) {
  for (std::string_view sequence : own_sequences) {
    if (text.substr(at).starts_with(sequence)) return sequence.size();
  }
  return 0;
}

std::string cleaned(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    base::Character character = base::character_at(text, at);
    std::size_t own = character.point == 0x1b ? own_sequence_at(text, at) : 0;
    bool is_layout = character.point == '\n' || character.point == '\t' || character.point == '\r';
    if (own > 0) character.bytes = own;
    if (character.is_hidden && own == 0 && !is_layout)
      base::append_escaped(out, character.point);
    else
      out += text.substr(at, character.bytes);
    at += character.bytes;
  }
  return out;
}

}  // namespace

// Hands on whole lines, so that no character and no sequence is cut in two.
class CleanStreams::Buffer : public std::streambuf {
 public:
  explicit Buffer(std::streambuf& behind) : behind_(behind) {}
  ~Buffer() override { hand_on(line_.size()); }
  void leave_as_it_is() { is_open_ = true; }

 protected:
  int_type overflow(int_type c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    char byte = traits_type::to_char_type(c);
    return xsputn(&byte, 1) == 1 ? c : traits_type::eof();
  }

  std::streamsize xsputn(const char* bytes, std::streamsize count) override {
    if (is_open_ && line_.empty()) return behind_.sputn(bytes, count);
    line_.append(bytes, static_cast<std::size_t>(count));
    std::size_t end = line_.rfind('\n');
    if (end != std::string::npos && !hand_on(end + 1)) return 0;
    return count;
  }

  int sync() override { return hand_on(line_.size()) ? behind_.pubsync() : -1; }

 private:
  bool hand_on(std::size_t count) {
    std::string text = is_open_ ? line_.substr(0, count) : cleaned({line_.data(), count});
    line_.erase(0, count);
    auto size = static_cast<std::streamsize>(text.size());
    return behind_.sputn(text.data(), size) == size;
  }

  std::streambuf& behind_;
  std::string line_;
  bool is_open_ = false;
};

CleanStreams::CleanStreams()
    : out_(std::make_unique<Buffer>(*std::cout.rdbuf())),
      error_(std::make_unique<Buffer>(*std::cerr.rdbuf())),
      out_before_(std::cout.rdbuf(out_.get())),
      error_before_(std::cerr.rdbuf(error_.get())) {}

CleanStreams::~CleanStreams() {
  std::cout.flush();
  std::cerr.flush();
  std::cout.rdbuf(out_before_);
  std::cerr.rdbuf(error_before_);
}

void CleanStreams::leave_stdout_to_programs() {
  if (isatty(STDOUT_FILENO) == 0) out_->leave_as_it_is();
}

}  // namespace bemi::cli
