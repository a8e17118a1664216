// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/archive.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "store/archive_file.hpp"
#include "store/copy_row.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"

namespace bemi::store {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* suffix = ".copy.zst";
constexpr int format_version = 1;

// A file that another one made must not name a table of ours by chance, or by malice.
bool is_window_name(const std::string& name) {
  return name.starts_with("changes_") && std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
         });
}

bool is_column_list(const std::string& columns) {
  return !columns.empty() && std::ranges::all_of(columns, [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || c == '"' || c == ',' || c == ' ';
  });
}

std::string header_of(const Archive& archive) {
  return json{{"bemi_archive", format_version},
              {"window", archive.window.name},
              {"from_us", archive.window.from.unix_us},
              {"to_us", archive.window.to.unix_us},
              {"columns", archive.columns},
              {"rows", archive.rows}}
      .dump();
}

// A file of strangers: each member is looked at before it is taken.
std::optional<std::int64_t> integer_in(const json& said, const char* name) {
  auto found = said.find(name);
  if (found == said.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::optional<std::string> text_in(const json& said, const char* name) {
  auto found = said.find(name);
  if (found == said.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

std::optional<Archive> parse_header(const std::string& line) {
  json said = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!said.is_object() || integer_in(said, "bemi_archive") != format_version) return std::nullopt;
  auto window = text_in(said, "window");
  auto from = integer_in(said, "from_us");
  auto to = integer_in(said, "to_us");
  auto columns = text_in(said, "columns");
  auto rows = integer_in(said, "rows");
  if (!window || !from || !to || !columns || !rows || *rows < 0) return std::nullopt;
  if (!is_window_name(*window) || !is_column_list(*columns)) return std::nullopt;
  return Archive{
      .window = {*window, {*from}, {*to}}, .columns = *columns, .rows = *rows, .file = {}};
}

base::Result<Archive> read_header(ArchiveReader& reader, const std::filesystem::path& file) {
  auto line = reader.header();
  std::optional<Archive> archive;
  if (line) archive = parse_header(*line);
  if (!archive) {
    return base::fail(base::ErrorKind::usage, file.string() + " is not an archive of Bemi's",
                      line ? "its first line is not a header" : line.error().message);
  }
  archive->file = file;
  std::error_code ignored;
  archive->bytes = static_cast<std::int64_t>(std::filesystem::file_size(file, ignored));
  return std::move(*archive);
}

base::Result<std::int64_t> count_lines(const std::filesystem::path& file,
                                       const ArchiveDigest& written, std::string_view key) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(file, key));
  TRY(read_header(reader, file));
  std::int64_t rows = 0;
  while (true) {
    TRY_ASSIGN(auto block, reader.next_block());
    if (!block) break;
    rows += std::ranges::count(*block, '\n');
  }
  if (reader.digest() == written) return rows;
  return base::fail(base::ErrorKind::conflict, file.string() + " is not what was written into it",
                    "check the disk, and who else writes into the folder");
}

base::Result<ArchiveDigest> write_rows(pg::Connection& destination, const std::string& table,
                                       std::string_view key, Archive& archive) {
  TRY_ASSIGN(ArchiveWriter writer, ArchiveWriter::create(archive.file, key));
  TRY(writer.append(header_of(archive)));
  TRY_ASSIGN(pg::CopyOut rows,
             destination.copy_out(fmt::format("copy (select {} from {} order by effective_at, "
                                              "commit_position, sequence) to stdout",
                                              archive.columns, table)));
  while (true) {
    TRY_ASSIGN(auto row, rows.next());
    if (!row) break;
    TRY(writer.append(*row));
  }
  TRY_ASSIGN(ArchiveWriter::Finished finished, writer.finish());
  archive.bytes = finished.bytes;
  return finished.digest;
}

base::Status note(pg::Connection& destination, const Archive& archive,
                  const ArchiveDigest& digest) {
  TRY(destination.query(
      "insert into _bemi.archive (\"window\", from_time, to_time, rows, bytes, file, sha256, mac) "
      "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (\"window\") do update set "
      "rows = excluded.rows, bytes = excluded.bytes, file = excluded.file, "
      "sha256 = excluded.sha256, mac = excluded.mac, archived_at = now()",
      {archive.window.name, base::format(archive.window.from), base::format(archive.window.to),
       std::to_string(archive.rows), std::to_string(archive.bytes),
       std::filesystem::absolute(archive.file).string(), digest.sha256, digest.mac}));
  return {};
}

// The record of a window's file.
struct Record {
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  ArchiveDigest digest;
};

base::Result<std::optional<Record>> find_record(pg::Connection& destination,
                                                const std::string& window) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query("select rows, bytes, sha256, mac from _bemi.archive "
                               "where \"window\" = $1 and sha256 is not null and mac is not null",
                               {window}));
  if (rows.empty()) return std::nullopt;
  return Record{.rows = rows.integer(0, 0),
                .bytes = rows.integer(0, 1),
                .digest = {.sha256 = rows.text(0, 2), .mac = rows.text(0, 3)}};
}

std::unexpected<base::Error> is_changed(const std::filesystem::path& file) {
  return base::fail(
      base::ErrorKind::conflict,
      file.string() + " is damaged, or somebody has changed it: it is not what was written",
      "take another copy of the file; nothing of this one was taken");
}

}  // namespace

std::string_view name(Standing standing) {
  switch (standing) {
    case Standing::recorded: return "recorded";
    case Standing::changed: return "changed";
    case Standing::unrecorded: return "unrecorded";
  }
  return "";
}

base::Result<Archive> write_archive(pg::Connection& destination, const std::string& schema,
                                    const Window& window, const std::filesystem::path& directory) {
  std::string table = pg::quote_name(schema, window.name);
  Archive archive{.window = window,
                  .columns = std::string(RowEncoder::columns()) + ", created_at",
                  .file = directory / (window.name + suffix)};
  TRY_ASSIGN(pg::Rows counted, destination.run("select count(*) from " + table));
  archive.rows = counted.integer(0, 0);
  TRY_ASSIGN(std::string key, archive_key(destination));
  TRY_ASSIGN(ArchiveDigest digest, write_rows(destination, table, key, archive));
  TRY_ASSIGN(std::int64_t found, count_lines(archive.file, digest, key));
  if (found != archive.rows) {
    std::filesystem::remove(archive.file);
    return base::fail(base::ErrorKind::conflict,
                      fmt::format("{} has {} rows and its file {}", table, archive.rows, found),
                      "somebody wrote to it in the meantime; try again");
  }
  TRY(note(destination, archive, digest));
  return archive;
}

base::Result<Archive> describe_archive(const std::filesystem::path& file) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(file));
  return read_header(reader, file);
}

base::Result<Standing> standing_of(pg::Connection& destination, const Archive& archive) {
  TRY_ASSIGN(auto record, find_record(destination, archive.window.name));
  if (!record) return Standing::unrecorded;
  if (record->bytes != archive.bytes || record->rows != archive.rows) return Standing::changed;
  TRY_ASSIGN(std::string key, archive_key(destination));
  TRY_ASSIGN(ArchiveDigest digest, digest_of(archive.file, key));
  return digest == record->digest ? Standing::recorded : Standing::changed;
}

base::Result<Archives> list_archives(const std::filesystem::path& directory) {
  Archives found;
  std::error_code wrong;
  std::filesystem::directory_iterator entry(directory, wrong);
  for (; !wrong && entry != std::filesystem::directory_iterator(); entry.increment(wrong)) {
    const std::filesystem::path& file = entry->path();
    if (!file.string().ends_with(suffix)) continue;
    auto archive = describe_archive(file);
    if (archive)
      found.archives.push_back(std::move(*archive));
    else
      found.odd.push_back({.file = file, .why = archive.error()});
  }
  if (wrong) {
    return base::fail(base::ErrorKind::usage,
                      "cannot read " + directory.string() + ": " + wrong.message());
  }
  std::ranges::sort(found.archives, {}, [](const Archive& archive) { return archive.window.from; });
  std::ranges::sort(found.odd, {}, &OddFile::file);
  return found;
}

base::Result<ArchiveDigest> load_archive(pg::Connection& destination,
                                         const std::filesystem::path& file,
                                         const std::string& table, std::string_view key) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(file, key));
  TRY_ASSIGN(Archive archive, read_header(reader, file));
  TRY_ASSIGN(pg::CopyIn copy,
             destination.copy_in(fmt::format("copy {} ({}) from stdin", table, archive.columns)));
  std::int64_t rows = 0;
  while (rows <= archive.rows) {
    TRY_ASSIGN(auto block, reader.next_block());
    if (!block) break;
    rows += std::ranges::count(*block, '\n');
    TRY(copy.send(*block));
  }
  if (rows != archive.rows) {
    return base::fail(base::ErrorKind::malformed_message,
                      fmt::format("{} does not have the {} rows that it says it has", file.string(),
                                  archive.rows),
                      "take another copy of the file");
  }
  TRY(copy.finish());
  return reader.digest();
}

namespace {

// Makes the window's table, fills it, and attaches it, within a transaction.
base::Status fill(pg::Connection& destination, const std::string& schema, const Archive& archive,
                  const std::optional<Record>& record, std::string_view key) {
  std::string child = pg::quote_name(schema, archive.window.name);
  std::string parent = changes_name(schema);
  TRY(destination.query("select _bemi.close_relation($1)", {child}));
  TRY_ASSIGN(ArchiveDigest digest, load_archive(destination, archive.file, child, key));
  // The digest of the very bytes that were copied: the file may be a different one by now.
  if (record && digest != record->digest) return is_changed(archive.file);
  TRY(destination.run(fmt::format(
      "alter table {} attach partition {} for values from ('{}') to ('{}');"
      "comment on table {} is 'Restored from an archive; kept until: bemi archive drop {}'",
      parent, child, base::format(archive.window.from), base::format(archive.window.to), child,
      archive.window.name)));
  TRY(destination.run("commit"));
  return {};
}

base::Status check_standing(pg::Connection& destination, const Archive& archive,
                            bool takes_unrecorded) {
  TRY_ASSIGN(Standing standing, standing_of(destination, archive));
  if (standing == Standing::changed) return is_changed(archive.file);
  if (standing == Standing::recorded || takes_unrecorded) return {};
  return base::fail(base::ErrorKind::usage,
                    "this history has no digest of an archive " + archive.window.name +
                        ": whoever could write the file could have made it up",
                    "if you know where it comes from: --unrecorded takes it as it is");
}

}  // namespace

base::Result<Archive> restore_archive(pg::Connection& destination,
                                      const std::filesystem::path& file, bool takes_unrecorded) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY(become_owner(destination));
  TRY_ASSIGN(Archive archive, describe_archive(file));
  TRY_ASSIGN(Partitions partitions, Partitions::load(destination, schema));
  if (partitions.covers(archive.window.from)) {
    return base::fail(base::ErrorKind::conflict,
                      "there are changes of that time already: " + archive.window.name,
                      "nothing needs to be restored; see: bemi changes --until ...");
  }
  TRY(check_standing(destination, archive, takes_unrecorded));
  TRY_ASSIGN(auto record, find_record(destination, archive.window.name));
  TRY_ASSIGN(std::string key, archive_key(destination));
  TRY(destination.run(pg::begin_ddl(10s) +
                      fmt::format("create table {} (like {} including defaults including "
                                  "constraints)",
                                  pg::quote_name(schema, archive.window.name),
                                  changes_name(schema))));
  if (base::Status done = fill(destination, schema, archive, record, key); !done) {
    TRY(destination.run("rollback"));
    return std::unexpected(done.error().within("cannot restore " + archive.window.name));
  }
  return archive;
}

base::Status drop_restored(pg::Connection& destination, const std::string& window) {
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY(become_owner(destination));
  std::string child = pg::quote_name(schema, window);
  TRY_ASSIGN(pg::Rows restored,
             destination.query("select coalesce(obj_description(to_regclass($1), 'pg_class'), '') "
                               "like 'Restored from an archive%'",
                               {child}));
  if (!restored.truth(0, 0)) {
    return base::fail(base::ErrorKind::usage, "no window " + window + " was restored here",
                      "other windows go by: bemi maintain --retention");
  }
  TRY(destination.run(
      fmt::format("alter table {} detach partition {} concurrently", changes_name(schema), child)));
  TRY(destination.run("drop table " + child));
  return {};
}

}  // namespace bemi::store
