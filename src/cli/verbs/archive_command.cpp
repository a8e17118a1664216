// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "cli/options.hpp"
#include "cli/output.hpp"
#include "cli/verbs/verbs.hpp"
#include "host/connections.hpp"
#include "store/archive.hpp"
#include "store/maintenance.hpp"
#include "store/roles.hpp"

namespace bemi::cli {
namespace {

constexpr const char* about =
    "List, restore and drop archived partitions.\nbemi changes --archive FILE searches one without "
    "restoring it.";

struct ArchiveOptions {
  std::string file;
  std::string window;
  bool takes_unrecorded = false;  // a file that the history has no digest of
  std::string format = "table";
};

std::string megabytes(std::int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
}

constexpr const char* not_compared = "not compared";

// The directory can be looked at without a database too: then nothing is said of how it stands.
std::vector<std::string> standings_of(const host::Config& config,
                                      const std::vector<store::Archive>& archives) {
  std::vector<std::string> standings(archives.size(), not_compared);
  if (config.destination().empty()) return standings;
  auto compare = [&]() -> base::Status {
    TRY_ASSIGN(pg::Connection destination, host::open_destination_as_maintainer(config));
    TRY(store::become_owner(destination));
    for (std::size_t i = 0; i < archives.size(); ++i) {
      TRY_ASSIGN(store::Standing standing, store::standing_of(destination, archives[i]));
      standings[i] = store::name(standing);
    }
    return {};
  };
  if (base::Status done = compare(); !done) {
    std::cerr << "bemi: not compared with the history: "
              << base::printable_lines(done.error().message) << "\n";
  }
  return standings;
}

nlohmann::ordered_json as_json(const store::Archive& archive, const std::string& standing) {
  return {{"window", archive.window.name},
          {"from", base::format(archive.window.from)},
          {"to", base::format(archive.window.to)},
          {"rows", archive.rows},
          {"bytes", archive.bytes},
          {"file", archive.file.string()},
          {"standing", standing}};
}

// False when a file is not what was written.
base::Result<bool> list_archives_command(const host::Config& config, const std::string& format) {
  TRY_ASSIGN(auto found, store::list_archives(config.archive_directory));
  std::vector<std::string> standings = standings_of(config, found.archives);
  Table table{.headers = {"window", "from", "to", "rows", "size", "file", "standing"}, .rows = {}};
  for (std::size_t i = 0; i < found.archives.size(); ++i) {
    const store::Archive& archive = found.archives[i];
    if (format == "json") std::cout << as_json(archive, standings[i]).dump() << "\n";
    table.rows.push_back(
        {archive.window.name, base::format(archive.window.from), base::format(archive.window.to),
         std::to_string(archive.rows),
         format == "csv" ? std::to_string(archive.bytes) : megabytes(archive.bytes),
         archive.file.string(), standings[i]});
  }
  if (format == "csv") std::cout << render_csv(table, /*with_header=*/true);
  if (format == "table") std::cout << render_table(table, terminal_width());
  for (const store::OddFile& odd : found.odd) {
    std::cerr << "bemi: left out: " << base::printable(odd.why.message) << "\n";
  }
  return std::ranges::find(standings, store::name(store::Standing::changed)) == standings.end();
}

base::Status restore_archive_command(const host::Config& config, const std::string& file,
                                     bool takes_unrecorded) {
  TRY_ASSIGN(pg::Connection destination, host::open_destination_as_maintainer(config));
  host::announce("archive restore", destination);
  TRY_ASSIGN(store::Archive archive, store::restore_archive(destination, file, takes_unrecorded));
  std::cout << fmt::format("{} rows are back in {}; to let go of them: bemi archive drop {}\n",
                           archive.rows, archive.window.name, archive.window.name);
  return {};
}

base::Status drop_restored_command(const host::Config& config, const std::string& window) {
  TRY_ASSIGN(pg::Connection destination, host::open_destination_as_maintainer(config));
  host::announce("archive drop", destination);
  TRY(store::drop_restored(destination, window));
  std::cout << window << " is gone; its file stays\n";
  return {};
}

void add_list(Verbs& verbs, CLI::App& archive) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<ArchiveOptions>();
  CLI::App& command = verbs.add(
      archive, "list", "List the archive files of a directory, and whether each is intact",
      [&config, options] { return list_archives_command(config, options->format); });
  command.add_option("DIRECTORY", config.archive_directory, "The directory of the archive files")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_connection_options(command, config);
  add_maintainer_option(command, config);
  add_format_option(command, options->format);
}

void add_restore(Verbs& verbs, CLI::App& archive) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<ArchiveOptions>();
  CLI::App& command =
      verbs.add(archive, "restore", "Attach an archive's rows to the table changes again",
                [&config, options] {
                  return restore_archive_command(config, options->file, options->takes_unrecorded);
                });
  command.add_option("FILE", options->file, "The archive file")
      ->required()
      ->check(CLI::ExistingFile);
  command.add_flag("--unrecorded", options->takes_unrecorded,
                   "Accept a file whose digest this history does not know");
  add_connection_options(command, config);
  add_maintainer_option(command, config);
}

void add_drop(Verbs& verbs, CLI::App& archive) {
  host::Config& config = verbs.config();
  auto options = std::make_shared<ArchiveOptions>();
  CLI::App& command =
      verbs.add(archive, "drop", "Drop a restored partition; its file stays",
                [&config, options] { return drop_restored_command(config, options->window); });
  command
      .add_option("WINDOW", options->window, "The partition's name, as bemi archive list shows it")
      ->required();
  add_connection_options(command, config);
  add_maintainer_option(command, config);
}

}  // namespace

void add_archive(Verbs& verbs) {
  CLI::App* archive = verbs.app().add_subcommand("archive", about);
  archive->require_subcommand(1);
  add_list(verbs, *archive);
  add_restore(verbs, *archive);
  add_drop(verbs, *archive);
}

}  // namespace bemi::cli
