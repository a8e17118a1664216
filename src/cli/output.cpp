// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdint>
#include <cstdlib>
#include <cwchar>

#include "base/csv.hpp"
#include "base/printable.hpp"
#include "query/past.hpp"

namespace bemi::cli {
namespace {

// wcwidth() knows only the characters of the locale: ours is always UTF-8.
int terminal_columns(std::uint32_t point) {
  static const bool utf8 = std::setlocale(LC_CTYPE, "C.UTF-8") != nullptr;
  return utf8 ? wcwidth(static_cast<wchar_t>(point)) : 1;
}

struct Wide {
  std::size_t bytes;
  std::size_t columns;
};

bool is_mark(char c) {
  return c == query::old_mark || c == query::new_mark || c == query::end_mark;
}

// A byte that begins no character counts as one column.
Wide character_at(std::string_view text, std::size_t at) {
  if (is_mark(text[at])) return {1, 0};
  base::Character character = base::character_at(text, at);
  int columns = character.bytes == 1 ? 1 : terminal_columns(character.point);
  return {character.bytes, static_cast<std::size_t>(std::max(columns, 0))};
}

std::size_t width_of(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    Wide character = character_at(text, at);
    at += character.bytes;
    columns += character.columns;
  }
  return columns;
}

// Control characters would break the table, or the terminal.
std::string visible(std::string_view text, bool marked) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    base::Character character = base::character_at(text, at);
    if (!character.is_hidden || (marked && is_mark(text[at])))
      out += text.substr(at, character.bytes);
    else
      out += character.point == '\n' ? "\xe2\x8f\x8e" : "\xc2\xb7";
    at += character.bytes;
  }
  return out;
}

std::string fitted(const std::string& text, std::size_t width) {
  std::size_t have = width_of(text);
  if (have <= width) return text + std::string(width - have, ' ');
  std::size_t at = 0;
  std::size_t columns = 0;
  while (at < text.size()) {
    Wide character = character_at(text, at);
    if (columns + character.columns + 1 > width) break;
    at += character.bytes;
    columns += character.columns;
  }
  std::string cut = text.substr(0, at) + "\xe2\x80\xa6";
  // The mark ends with it.
  auto mark = std::ranges::find_if(cut.rbegin(), cut.rend(), is_mark);
  if (mark != cut.rend() && *mark != query::end_mark) cut.push_back(query::end_mark);
  return cut + std::string(width - columns - 1, ' ');
}

std::vector<std::size_t> natural_widths(const Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& header : table.headers) {
    widths.push_back(width_of(visible(header, /*marked=*/false)));
  }
  for (const auto& row : table.rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], width_of(visible(row[i].value_or(""), table.marked == i)));
    }
  }
  return widths;
}

// Narrower than this, a cell shows nothing.
constexpr std::size_t least = 6;

// Takes from the widest until all fit.
void shrink(std::vector<std::size_t>& widths, std::size_t width) {
  auto total = [&] {
    std::size_t sum = widths.size() * 3 - 1;
    for (std::size_t w : widths) sum += w;
    return sum;
  };
  while (total() > width) {
    auto widest = std::ranges::max_element(widths);
    if (*widest <= least) return;
    --*widest;
  }
}

// Old values in red, new ones in green; or without colour.
std::string painted(std::string_view text, bool colour) {
  std::string out;
  bool open = false;
  for (char c : text) {
    if (!is_mark(c)) {
      out.push_back(c);
    } else if (colour) {
      open = c != query::end_mark;
      out += c == query::old_mark ? "\x1b[31m" : c == query::new_mark ? "\x1b[32m" : "\x1b[0m";
    }
  }
  return open ? out + "\x1b[0m" : out;
}

void append_line(std::string& out, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths, std::string_view separator) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += i == 0 ? " " : separator;
    line += fitted(cells[i], widths[i]);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

bool is_too_wide(const std::vector<std::size_t>& widths, std::size_t width) {
  std::size_t sum = widths.size() * 3 - 1;
  for (std::size_t w : widths) sum += std::min(w, least + 2);
  return sum > width;
}

// Each row as lines of column and value.
std::string expanded(const Table& table, std::size_t width, bool colour) {
  std::size_t names = 0;
  for (const std::string& header : table.headers)
    names = std::max(names, width_of(visible(header, false)));
  names = std::min(names, width / 3);
  std::string out;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    if (row > 0) out += "\n";
    for (std::size_t i = 0; i < table.rows[row].size(); ++i) {
      std::string value = visible(table.rows[row][i].value_or(""), table.marked == i);
      std::string line =
          " " + fitted(visible(table.headers[i], false), names) + " \xe2\x94\x82 " + value;
      if (width_of(line) > width) line = fitted(line, width);
      line.erase(line.find_last_not_of(' ') + 1);
      out += painted(line, colour) + "\n";
    }
  }
  return out;
}

std::string csv_cell(const Cell& cell) { return cell ? base::csv_text(*cell) : ""; }

}  // namespace

std::string cut(std::string_view text, std::size_t width, bool marked, bool colour) {
  std::string shown = visible(text, marked);
  if (width_of(shown) > width) shown = fitted(shown, width);
  return painted(shown, colour);
}

std::string unmarked(std::string_view text) { return painted(text, /*colour=*/false); }

std::string render_table(const Table& table, std::optional<std::size_t> width, bool colour) {
  std::vector<std::size_t> widths = natural_widths(table);
  if (width && is_too_wide(widths, *width)) return expanded(table, *width, colour);
  if (width) shrink(widths, *width);
  std::string out;
  std::vector<std::string> headers;
  for (const std::string& header : table.headers) headers.push_back(visible(header, false));
  append_line(out, headers, widths, " \xe2\x94\x82 ");
  for (std::size_t i = 0; i < widths.size(); ++i) {
    if (i > 0) out += "\xe2\x94\xbc";
    for (std::size_t k = 0; k < widths[i] + (i + 1 < widths.size() ? 2 : 1); ++k)
      out += "\xe2\x94\x80";
  }
  out += "\n";
  for (const auto& row : table.rows) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.push_back(visible(row[i].value_or(""), table.marked == i));
    }
    std::string line;
    append_line(line, cells, widths, " \xe2\x94\x82 ");
    out += painted(line, colour);
  }
  return out;
}

std::string render_csv(const Table& table, bool with_header) {
  std::string out;
  auto append = [&](const auto& fields) {
    bool first = true;
    for (const auto& field : fields) {
      if (!first) out += ",";
      first = false;
      out += csv_cell(Cell(field));
    }
    out += "\r\n";
  };
  if (with_header) append(table.headers);
  for (const auto& row : table.rows) append(row);
  return out;
}

std::optional<std::size_t> terminal_width() {
  if (isatty(STDOUT_FILENO) == 0) return std::nullopt;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool use_colour() {
  const char* no = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no == nullptr || *no == '\0');
}

}  // namespace bemi::cli
