// SPDX-License-Identifier: LGPL-3.0-or-later
#include "cli/revert_output.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "base/printable.hpp"
#include "cli/output.hpp"

namespace bemi::cli {
namespace {

constexpr std::size_t conflicts_printed = 20;
constexpr std::size_t value_width = 40;

class Page {
 public:
  explicit Page(bool colour) : colour_(colour) {}
  std::string bold(const std::string& text) const { return paint("1", text); }
  std::string red(const std::string& text) const { return paint("31", text); }
  std::string yellow(const std::string& text) const { return paint("33", text); }
  std::string dim(const std::string& text) const { return paint("2", text); }

 private:
  [[nodiscard]] std::string paint(const char* code, const std::string& text) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  bool colour_;
};

std::string value(const std::optional<std::string>& text) {
  if (!text) return "null";
  std::string shown = base::printable(*text);
  if (shown.size() <= value_width) return shown;
  std::size_t end = value_width;
  while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xc0U) == 0x80U) --end;
  return shown.substr(0, end) + "\xe2\x80\xa6";
}

std::string summary(const revert::TablePlan& table) {
  std::string words;
  auto add = [&](std::int64_t count, const char* what) {
    if (count > 0) words += fmt::format("{}{} {}", words.empty() ? "" : ", ", count, what);
  };
  add(table.inserts, "to put back");
  add(table.updates, "to change back");
  add(table.deletes, "to remove");
  add(table.already_undone, "undone already");
  add(table.skipped, "left out");
  return words.empty() ? "nothing to do" : words;
}

std::string by_whom(const revert::ChangeRef& change) {
  auto context = nlohmann::ordered_json::parse(change.context, nullptr, false);
  std::string who;
  if (context.is_object()) {
    for (const auto& [key, said] : context.items()) {
      std::string text = said.is_string() ? said.get<std::string>() : said.dump();
      who += fmt::format("{}{}={}", who.empty() ? "" : " ", base::printable(key), value(text));
    }
  }
  return fmt::format("by {} at {}, transaction {}", who.empty() ? "whom is not known" : who,
                     change.effective_at, change.transaction_id);
}

void print_conflict(std::string& out, const revert::Conflict& conflict, const Page& page) {
  out +=
      fmt::format("  {} {}.{} {}: {}\n", page.red("\xe2\x9c\x97"), conflict.schema, conflict.table,
                  conflict.key.value_or("(no key)"), revert::sentence(conflict.kind));
  for (const revert::ColumnSides& sides : conflict.columns) {
    bool values = conflict.kind == revert::ConflictKind::overwritten ||
                  conflict.kind == revert::ConflictKind::changed;
    out += "      " + sides.column;
    if (values) {
      out += fmt::format(": now {} \xe2\x94\x82 ours {} \xe2\x94\x82 before {}", value(sides.live),
                         value(sides.ours), value(sides.target));
    }
    out += "\n";
  }
  if (!conflict.detail.empty()) out += "      " + conflict.detail + "\n";
  if (!conflict.constraint.empty()) out += "      constraint " + conflict.constraint + "\n";
  if (conflict.later) out += "      " + by_whom(*conflict.later) + "\n";
}

// 530: price 7.86 → 0.08
std::string example_line(const revert::ExampleRow& row) {
  std::string values;
  for (const revert::ColumnSides& sides : row.columns) {
    values += (values.empty() ? "" : ", ") + sides.column + " ";
    switch (row.effect) {
      case revert::RowEffect::restored: values += value(sides.target); break;
      case revert::RowEffect::removed: values += value(sides.live); break;
      case revert::RowEffect::reverted:
        values += value(sides.live) + " \xe2\x86\x92 " + value(sides.target);
        break;
    }
  }
  return std::string(name(row.effect)) + " " + row.key.value_or("(no key)") +
         (values.empty() ? "" : ": " + values);
}

void print_examples(std::string& out, const revert::TablePlan& table) {
  for (const revert::ExampleRow& row : table.examples) out += "      " + example_line(row) + "\n";
  auto more = table.inserts + table.updates + table.deletes -
              static_cast<std::int64_t>(table.examples.size());
  if (more > 0 && !table.examples.empty())
    out += fmt::format("      ... and {}\n", base::counted(more, "more row"));
}

void print_tables(std::string& out, const revert::Plan& plan, const Page& page) {
  std::size_t width = 0;
  for (const auto& table : plan.tables) {
    width = std::max(width, table.schema.size() + table.table.size() + 1);
  }
  for (const auto& table : plan.tables) {
    out += fmt::format("  {:<{}}  {}\n", table.schema + "." + table.table, width, summary(table));
    print_examples(out, table);
    for (const std::string& statement : table.statements) {
      out += "      " + page.dim(statement) + "\n";
    }
    for (const auto& trigger : table.triggers) {
      out += fmt::format("      trigger {} fires ({}, {})\n", trigger.name, trigger.events,
                         trigger.function);
    }
    for (const auto& column : table.not_restored) {
      out += page.yellow(
          fmt::format("      restored except {} in {}: a trigger writes something else\n",
                      column.column, base::counted(column.rows, "row")));
    }
    for (const std::string& note : table.notes) out += page.yellow("      " + note) + "\n";
  }
}

void clean(std::string& text) { text = base::printable(text); }

void clean(std::optional<std::string>& text) {
  if (text) clean(*text);
}

void clean(revert::Conflict& conflict) {
  for (std::string* text :
       {&conflict.schema, &conflict.table, &conflict.constraint, &conflict.detail})
    clean(*text);
  clean(conflict.key);
  for (revert::ColumnSides& sides : conflict.columns) {
    clean(sides.column);  // its values: value()
  }
}

void clean(revert::TablePlan& table) {
  clean(table.schema);
  clean(table.table);
  for (revert::Trigger& trigger : table.triggers) {
    clean(trigger.name);
    clean(trigger.function);
  }
  for (revert::NotRestored& column : table.not_restored) clean(column.column);
  for (revert::ExampleRow& row : table.examples) {
    clean(row.key);
    for (revert::ColumnSides& sides : row.columns) clean(sides.column);  // its values: value()
  }
  for (std::string& statement : table.statements) clean(statement);
  for (std::string& note : table.notes) clean(note);
}

// Every name and value of it in one line, so that none passes for a line of ours.
revert::Plan cleaned(revert::Plan plan) {
  clean(plan.source);
  for (revert::TablePlan& table : plan.tables) clean(table);
  for (revert::Conflict& conflict : plan.conflicts) clean(conflict);
  for (revert::SideEffect& effect : plan.side_effects) {
    clean(effect.schema);
    clean(effect.table);
  }
  for (std::string& warning : plan.warnings) clean(warning);
  return plan;
}

}  // namespace

std::string render_plan(const revert::Plan& said, bool colour, const char* deed) {
  revert::Plan plan = cleaned(said);
  Page page(colour);
  std::string out = page.bold(
      fmt::format("{} {} of {} in {}: {}\n", deed, base::counted(plan.changes, "change"),
                  base::counted(static_cast<std::int64_t>(plan.transactions.size()), "transaction"),
                  plan.source, base::counted(plan.rows(), "row")));
  if (plan.extended > 0) {
    out += fmt::format("  of these, {} made by others later, which build on them\n",
                       base::counted(plan.extended, "change"));
  }
  print_tables(out, plan, page);
  for (const auto& effect : plan.side_effects) {
    out += page.yellow(fmt::format(
        "  besides, triggers and cascades write {}.{}: {} inserted, {} updated, {} deleted\n",
        effect.schema, effect.table, effect.inserted, effect.updated, effect.deleted));
  }
  for (const std::string& warning : plan.warnings) out += page.yellow("  " + warning) + "\n";
  if (plan.conflict_count > 0) {
    out += page.bold(fmt::format("{}\n", base::counted(plan.conflict_count, "conflict")));
    for (std::size_t i = 0; i < std::min(conflicts_printed, plan.conflicts.size()); ++i) {
      print_conflict(out, plan.conflicts[i], page);
    }
    auto more = plan.conflict_count -
                static_cast<std::int64_t>(std::min(conflicts_printed, plan.conflicts.size()));
    if (more > 0) out += fmt::format("  ... and {} more\n", more);
  }
  if (plan.rows() > 0 && plan.applicable) {
    out += fmt::format("Tried in {:.2f} s, which is how long its {} would be locked.\n",
                       plan.seconds, base::counted(plan.rows(), "row"));
  }
  return out;
}

}  // namespace bemi::cli
