// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The flags of maintain and archive.
#include "cli/verbs/maintenance_app.hpp"

#include <CLI/CLI.hpp>

#include "cli/options.hpp"

namespace bemi::cli {
namespace {

constexpr const char* archive_about =
    "List, restore and drop archived partitions.\nbemi changes --archive FILE searches one without "
    "restoring it.";

void add_archive(CLI::App& app, host::Config& config, MaintenanceProgram& program,
                 const AddCommand& add, int (*report)(const base::Error&)) {
  auto code = [report](const base::Status& done) { return done ? 0 : report(done.error()); };
  CLI::App* archive = app.add_subcommand("archive", archive_about);
  archive->require_subcommand(1);

  CLI::App* list =
      add(*archive, "list", "List the archive files of a directory, and whether each is intact",
          [&config, &program, report] {
            auto done = list_archives_command(config, program.format);
            return done ? (*done ? 0 : 1) : report(done.error());
          });
  list->add_option("DIRECTORY", config.archive_directory, "The directory of the archive files")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_connection_options(*list, config);
  add_maintainer_option(*list, config);
  list->add_option("--format", program.format,
                   "The output: table for people, json for one object a line, or csv")
      ->check(CLI::IsMember({"table", "json", "csv"}))
      ->capture_default_str();

  CLI::App* restore =
      add(*archive, "restore", "Attach an archive's rows to the table changes again",
          [&config, &program, code] {
            return code(restore_archive_command(config, program.file, program.takes_unrecorded));
          });
  restore->add_option("FILE", program.file, "The archive file")
      ->required()
      ->check(CLI::ExistingFile);
  restore->add_flag("--unrecorded", program.takes_unrecorded,
                    "Accept a file whose digest this history does not know");
  add_connection_options(*restore, config);
  add_maintainer_option(*restore, config);

  CLI::App* drop = add(
      *archive, "drop", "Drop a restored partition; its file stays",
      [&config, &program, code] { return code(drop_restored_command(config, program.window)); });
  drop->add_option("WINDOW", program.window, "The partition's name, as bemi archive list shows it")
      ->required();
  add_connection_options(*drop, config);
  add_maintainer_option(*drop, config);
}

}  // namespace

void add_maintenance_commands(CLI::App& app, host::Config& config, MaintenanceProgram& program,
                              const AddCommand& add, int (*report)(const base::Error&)) {
  CLI::App* maintain =
      add(app, "maintain",
          "Maintain the partitions once: make new ones; seal, archive and drop old ones",
          [&config, &program, report] {
            base::Status done = maintain_command(config, program.dry_run);
            return done ? 0 : report(done.error());
          });
  maintain->add_flag("--dry-run", program.dry_run, "Print what would be done, and do nothing");
  add_connection_options(*maintain, config);
  add_maintenance_options(*maintain, config);
  add_archive(app, config, program, add, report);
}

}  // namespace bemi::cli
