// SPDX-License-Identifier: LGPL-3.0-or-later
#include "supervise/registry.hpp"

#include <nlohmann/json.hpp>

namespace bemi::supervise {
namespace {

constexpr std::size_t name_bytes_max = 60;  // a slot's name is made of it
constexpr const char* purpose = "source";

constexpr const char* columns =
    "select name, url, revert_url, place, options, is_paused, revision, created_by, created_at, "
    "destination_url, destination_place from _bemi.managed_source";

base::Result<change::TrackingOptions> read_tracking(const std::string& text) {
  return change::read_tracking_options(
      nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false));
}

}  // namespace

base::Status validate(const Source& source) {
  bool is_name =
      !source.name.empty() && source.name.size() <= name_bytes_max && !source.name.contains('/');
  if (!is_name) {
    return base::fail(base::ErrorKind::usage, "a source's name has 1 to 60 bytes, and no slash");
  }
  if (source.url.empty()) {
    return base::fail(base::ErrorKind::usage, "there is no address of the source",
                      "write it as postgresql://USER:PASSWORD@HOST/DATABASE");
  }
  return {};
}

base::Result<pg::Connection> Registry::open() {
  return pg::Connection::open({.url = url_, .purpose = "bemi/control", .interrupt = stop_});
}

base::Result<Source> Registry::read(const pg::Rows& rows, int row) {
  Source source{.name = rows.text(row, 0),
                .place = rows.text(row, 3),
                .destination_place = rows.text(row, 10),
                .is_paused = rows.truth(row, 5),
                .revision = static_cast<int>(rows.integer(row, 6)),
                .created_by = rows.text(row, 7),
                .created_at = rows.text(row, 8)};
  TRY_ASSIGN(source.tracking, read_tracking(rows.text(row, 4)));
  TRY_ASSIGN(source.url, box_.open(purpose, rows.text(row, 1)));
  if (rows.get(row, 2)) {
    TRY_ASSIGN(source.revert_url, box_.open(purpose, rows.text(row, 2)));
  }
  if (rows.get(row, 9)) {
    TRY_ASSIGN(source.destination_url, box_.open(purpose, rows.text(row, 9)));
  }
  return source;
}

base::Result<std::vector<Source>> Registry::all() {
  TRY_ASSIGN(pg::Connection connection, open());
  TRY_ASSIGN(pg::Rows rows, connection.run(std::string(columns) + " order by name"));
  std::vector<Source> found;
  for (int row = 0; row < rows.count(); ++row) {
    TRY_ASSIGN(Source source, read(rows, row));
    found.push_back(std::move(source));
  }
  return found;
}

base::Result<std::optional<Source>> Registry::one(const std::string& name) {
  TRY_ASSIGN(pg::Connection connection, open());
  TRY_ASSIGN(pg::Rows rows, connection.query(std::string(columns) + " where name = $1", {name}));
  if (rows.empty()) return std::nullopt;
  TRY_ASSIGN(Source source, read(rows, 0));
  return source;
}

base::Status Registry::set(const Source& source) {
  TRY(validate(source));
  TRY_ASSIGN(pg::Connection connection, open());
  auto sealed = [&](const std::string& url) {
    return url.empty() ? std::nullopt : pg::Parameter(box_.seal(purpose, url));
  };
  TRY(connection.query(
      "insert into _bemi.managed_source as s (name, url, revert_url, place, options, created_by, "
      "destination_url, destination_place) "
      "values ($1, $2, $3, $4, $5::jsonb, $6, $7, $8) on conflict (name) do update set "
      "url = excluded.url, revert_url = excluded.revert_url, place = excluded.place, "
      "options = excluded.options, destination_url = excluded.destination_url, "
      "destination_place = excluded.destination_place, is_paused = false, revision = s.revision + "
      "1, "
      "changed_at = now()",
      {source.name, box_.seal(purpose, source.url), sealed(source.revert_url), source.place,
       change::to_json(source.tracking).dump(), source.created_by, sealed(source.destination_url),
       source.destination_place}));
  return {};
}

base::Result<bool> Registry::set_paused(const std::string& name, bool is_paused) {
  TRY_ASSIGN(pg::Connection connection, open());
  TRY_ASSIGN(pg::Rows rows,
             connection.query("update _bemi.managed_source set is_paused = $2::boolean, "
                              "changed_at = now() where name = $1",
                              {name, pg::boolean(is_paused)}));
  return rows.affected() > 0;
}

base::Result<bool> Registry::remove(const std::string& name) {
  TRY_ASSIGN(pg::Connection connection, open());
  TRY_ASSIGN(pg::Rows rows,
             connection.query("delete from _bemi.managed_source where name = $1", {name}));
  return rows.affected() > 0;
}

}  // namespace bemi::supervise
