// SPDX-License-Identifier: LGPL-3.0-or-later
#include <iostream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/ends.hpp"
#include "cli/maintenance_app.hpp"
#include "cli/output.hpp"
#include "store/archive.hpp"
#include "store/maintenance.hpp"

namespace cli {
namespace {

std::string megabytes(std::int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

nlohmann::ordered_json as_json(const store::Archive& archive) {
  return {{"window", archive.window.name},
          {"from", base::format(archive.window.from)},
          {"to", base::format(archive.window.to)},
          {"rows", archive.rows},
          {"bytes", archive.bytes},
          {"file", archive.file.string()}};
}

}  // namespace

base::Status maintain_command(const Config& config, bool dry_run) {
  TRY_ASSIGN(store::MaintenanceSettings settings, maintenance_settings(config));
  TRY_ASSIGN(pg::Connection destination, open_destination_as_maintainer(config));
  int steps = 0;
  TRY(store::maintain(destination, settings, dry_run, [&](const store::MaintenanceStep& step) {
    ++steps;
    std::cout << fmt::format("{}{:<8} {:<20} {}\n", dry_run ? "would " : "", store::name(step.kind),
                             step.window, step.detail)
              << std::flush;
  }));
  if (steps == 0) std::cout << "nothing to do\n";
  return {};
}

base::Status list_archives_command(const Config& config, const std::string& format) {
  TRY_ASSIGN(auto archives, store::list_archives(config.archive_directory));
  Table table{.headers = {"window", "from", "to", "rows", "size", "file"}, .rows = {}};
  for (const store::Archive& archive : archives) {
    if (format == "json") std::cout << as_json(archive).dump() << "\n";
    table.rows.push_back(
        {archive.window.name, base::format(archive.window.from), base::format(archive.window.to),
         std::to_string(archive.rows),
         format == "csv" ? std::to_string(archive.bytes) : megabytes(archive.bytes),
         archive.file.string()});
  }
  if (format == "csv") std::cout << render_csv(table, /*with_header=*/true);
  if (format == "table") std::cout << render_table(table, terminal_width());
  return {};
}

base::Status restore_archive_command(const Config& config, const std::string& file) {
  TRY_ASSIGN(pg::Connection destination, open_destination_as_maintainer(config));
  TRY_ASSIGN(store::Archive archive, store::restore_archive(destination, file));
  std::cout << fmt::format("{} rows are back in {}; to let go of them: bemi archive drop {}\n",
                           archive.rows, archive.window.name, archive.window.name);
  return {};
}

base::Status drop_restored_command(const Config& config, const std::string& window) {
  TRY_ASSIGN(pg::Connection destination, open_destination_as_maintainer(config));
  TRY(store::drop_restored(destination, window));
  std::cout << window << " is gone; its file stays\n";
  return {};
}

}  // namespace cli
