// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/context_key.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/base64.hpp"
#include "base/number.hpp"

namespace bemi::change {
namespace {

constexpr std::size_t secret_bytes_min = 32;
constexpr std::size_t name_characters_max = 64;
constexpr std::size_t date_characters = 10;  // 2026-12-31

std::unexpected<base::Error> unusable(std::string_view id, const char* what) {
  std::string name = is_plain_name(id) ? " " + std::string(id) : "";
  return base::fail(base::ErrorKind::usage, "the context key" + name + " " + what,
                    "write ID:SECRET or ID:SECRET:FROM/UNTIL; make a secret with: openssl rand "
                    "-base64 32");
}

// The digits of `text` at `at`, as many as `digits` has.
std::optional<int> number_at(std::string_view text, std::size_t at, std::size_t digits) {
  std::string_view part = text.substr(at, digits);
  if (part.size() != digits ||
      !std::ranges::all_of(part, [](char c) { return '0' <= c && c <= '9'; }))
    return std::nullopt;
  return base::parse_number<int>(part);
}

// 2026-12-31 or 2026-12-31T23:00:00Z.
std::optional<base::Timestamp> parse_time(std::string_view text) {
  using namespace std::chrono;
  auto years = number_at(text, 0, 4);
  auto months = number_at(text, 5, 2);
  auto days_of_month = number_at(text, 8, 2);
  if (!years || !months || !days_of_month || text[4] != '-' || text[7] != '-') return std::nullopt;
  year_month_day date{year(*years), month(static_cast<unsigned>(*months)),
                      day(static_cast<unsigned>(*days_of_month))};
  if (!date.ok()) return std::nullopt;
  microseconds time = sys_days(date).time_since_epoch();
  std::string_view clock = text.substr(date_characters);
  if (clock.empty()) return base::Timestamp{time.count()};
  auto hour = number_at(clock, 1, 2);
  auto minute = number_at(clock, 4, 2);
  auto second = number_at(clock, 7, 2);
  bool is_clock = hour && minute && second && *hour < 24 && *minute < 60 && *second < 60 &&
                  clock.size() == 10 && clock[0] == 'T' && clock[3] == ':' && clock[6] == ':' &&
                  clock[9] == 'Z';
  if (!is_clock) return std::nullopt;
  time += hours(*hour) + minutes(*minute) + seconds(*second);
  return base::Timestamp{time.count()};
}

// Of "FROM/UNTIL"; false when it is no such text.
bool read_span(std::string_view text, ContextKey& key) {
  std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  auto read = [](std::string_view part, base::Timestamp& into) {
    if (part.empty()) return true;
    auto time = parse_time(part);
    if (time) into = *time;
    return time.has_value();
  };
  return read(text.substr(0, slash), key.from) && read(text.substr(slash + 1), key.until) &&
         key.from < key.until;
}

}  // namespace

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= name_characters_max &&
         std::ranges::all_of(text, [](char c) {
           return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
                  std::string_view("._-+/=").contains(c);
         });
}

base::Result<ContextKey> parse_context_key(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return unusable({}, "has no id");
  ContextKey key{.id = std::string(text.substr(0, colon)), .key = {}};
  if (!is_plain_name(key.id))
    return unusable({}, "has an id with other characters than A-Z a-z 0-9 . _ - + / =");
  std::string_view rest = text.substr(colon + 1);
  std::size_t end = std::min(rest.find(':'), rest.size());
  auto secret = base::from_base64(rest.substr(0, end));
  if (!secret) return unusable(key.id, "is no base64");
  if (secret->size() < secret_bytes_min) return unusable(key.id, "has fewer than 32 bytes");
  if (end < rest.size() && !read_span(rest.substr(end + 1), key))
    return unusable(key.id, "has a span that is none, such as 2026-01-01/2026-07-01");
  key.key = SigningKey::of(*secret);
  return key;
}

}  // namespace bemi::change
