// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/archive.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "store/archive_file.hpp"
#include "store/copy_row.hpp"
#include "store/roles.hpp"
#include "store/schema.hpp"

namespace store {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* suffix = ".copy.zst";
constexpr int format_version = 1;
constexpr std::size_t copied_bytes_target = 1UL << 18;

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

base::Result<Archive> read_header(ArchiveReader& reader, const std::filesystem::path& file) {
  auto not_one = [&] {
    return base::fail(base::ErrorKind::usage, file.string() + " is not an archive of Bemi's");
  };
  TRY_ASSIGN(auto line, reader.next());
  json said = line ? json::parse(*line, nullptr, /*allow_exceptions=*/false) : json{};
  if (!said.is_object() || said.value("bemi_archive", 0) != format_version) return not_one();
  Archive archive;
  archive.file = file;
  archive.window = {said.value("window", ""),
                    {said.value("from_us", std::int64_t{0})},
                    {said.value("to_us", std::int64_t{0})}};
  archive.columns = said.value("columns", "");
  archive.rows = said.value("rows", std::int64_t{0});
  if (!is_window_name(archive.window.name) || !is_column_list(archive.columns)) return not_one();
  std::error_code ignored;
  archive.bytes = static_cast<std::int64_t>(std::filesystem::file_size(file, ignored));
  return archive;
}

base::Result<std::int64_t> count_lines(const std::filesystem::path& file) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(file));
  TRY(read_header(reader, file));
  std::int64_t rows = 0;
  while (true) {
    TRY_ASSIGN(auto line, reader.next());
    if (!line) return rows;
    ++rows;
  }
}

base::Status write_rows(pg::Connection& destination, const std::string& table, Archive& archive) {
  TRY_ASSIGN(ArchiveWriter writer, ArchiveWriter::create(archive.file));
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
  TRY_ASSIGN(archive.bytes, writer.finish());
  return {};
}

}  // namespace

base::Result<Archive> write_archive(pg::Connection& destination, const std::string& schema,
                                    const Window& window, const std::filesystem::path& directory) {
  std::string table = pg::quote_name(schema, window.name);
  Archive archive{.window = window,
                  .columns = std::string(RowEncoder::columns()) + ", created_at",
                  .file = directory / (window.name + suffix)};
  TRY_ASSIGN(pg::Rows counted, destination.run("select count(*) from " + table));
  archive.rows = counted.integer(0, 0);
  TRY(write_rows(destination, table, archive));
  TRY_ASSIGN(std::int64_t found, count_lines(archive.file));
  if (found != archive.rows) {
    std::filesystem::remove(archive.file);
    return base::fail(base::ErrorKind::conflict,
                      fmt::format("{} has {} rows and its file {}", table, archive.rows, found),
                      "somebody wrote into it meanwhile; try again");
  }
  TRY(
      destination.query("insert into _bemi.archive (\"window\", from_time, to_time, rows, bytes, "
                        "file) values ($1, $2, $3, $4, $5, $6) on conflict (\"window\") do update "
                        "set rows = excluded.rows, bytes = excluded.bytes, file = excluded.file, "
                        "archived_at = now()",
                        {window.name, base::format(window.from), base::format(window.to),
                         std::to_string(archive.rows), std::to_string(archive.bytes),
                         std::filesystem::absolute(archive.file).string()}));
  return archive;
}

base::Result<Archive> describe_archive(const std::filesystem::path& file) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(file));
  return read_header(reader, file);
}

base::Result<std::vector<Archive>> list_archives(const std::filesystem::path& directory) {
  std::vector<Archive> found;
  std::error_code wrong;
  for (const auto& entry : std::filesystem::directory_iterator(directory, wrong)) {
    if (!entry.path().string().ends_with(suffix)) continue;
    if (auto archive = describe_archive(entry.path())) found.push_back(std::move(*archive));
  }
  if (wrong) {
    return base::fail(base::ErrorKind::usage,
                      "cannot read " + directory.string() + ": " + wrong.message());
  }
  std::ranges::sort(found, {}, [](const Archive& archive) { return archive.window.from; });
  return found;
}

base::Status load_archive(pg::Connection& destination, const std::filesystem::path& file,
                          const std::string& table) {
  TRY_ASSIGN(ArchiveReader reader, ArchiveReader::open(file));
  TRY_ASSIGN(Archive archive, read_header(reader, file));
  TRY_ASSIGN(pg::CopyIn copy,
             destination.copy_in(fmt::format("copy {} ({}) from stdin", table, archive.columns)));
  std::string gathered;
  std::int64_t rows = 0;
  while (true) {
    TRY_ASSIGN(auto line, reader.next());
    if (line) {
      gathered.append(*line).push_back('\n');
      ++rows;
    }
    if (line && gathered.size() < copied_bytes_target) continue;
    TRY(copy.send(gathered));
    gathered.clear();
    if (!line) break;
  }
  TRY(copy.finish());
  if (rows == archive.rows) return {};
  return base::fail(base::ErrorKind::malformed_message,
                    fmt::format("{} has {} rows and says {}", file.string(), rows, archive.rows),
                    "take another copy of the file");
}

base::Result<Archive> restore_archive(pg::Connection& destination,
                                      const std::filesystem::path& file) {
  TRY_ASSIGN(Archive archive, describe_archive(file));
  TRY_ASSIGN(std::string schema, history_schema(destination));
  TRY(become_owner(destination));
  TRY_ASSIGN(Partitions partitions, Partitions::load(destination, schema));
  if (partitions.covers(archive.window.from)) {
    return base::fail(base::ErrorKind::conflict,
                      "there are changes of that time already: " + archive.window.name,
                      "nothing needs to be restored; see: bemi changes --until ...");
  }
  std::string child = pg::quote_name(schema, archive.window.name);
  std::string parent = changes_name(schema);
  TRY(destination.run(pg::begin_ddl(10s) +
                      fmt::format("create table {} (like {} including defaults including "
                                  "constraints)",
                                  child, parent)));
  auto fill = [&]() -> base::Status {
    TRY(destination.query("select _bemi.close_relation($1)", {child}));
    TRY(load_archive(destination, file, child));
    TRY(destination.run(fmt::format(
        "alter table {} attach partition {} for values from ('{}') to ('{}');"
        "comment on table {} is 'Restored from an archive; kept until: bemi archive drop {}'",
        parent, child, base::format(archive.window.from), base::format(archive.window.to), child,
        archive.window.name)));
    TRY(destination.run("commit"));
    return {};
  };
  if (base::Status done = fill(); !done) {
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

}  // namespace store
