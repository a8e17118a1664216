// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/views.hpp"

#include <algorithm>

#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

base::Status validate(const View& view) {
  if (view.name.empty() || view.name.size() > view_name_bytes_max || view.name.contains('/')) {
    return base::fail(base::ErrorKind::usage,
                      "a view's name has 1 to 200 characters, and no slash");
  }
  // Two slashes would lead to another host; so would two that a browser makes of what it leaves
  // out (tabs, ends of lines) or takes for a slash.
  std::string_view path =
      std::string_view(view.address).substr(0, view.address.find_first_of("?#"));
  bool is_here = path.starts_with('/') && !path.contains("//") &&
                 std::ranges::none_of(view.address, [](unsigned char c) {
                   return c < 0x20 || c == 0x7f || c == '\\';
                 });
  if (!is_here || view.address.size() > view_address_bytes_max) {
    return base::fail(base::ErrorKind::usage, "a view's address is one within the dashboard",
                      "write it as /changes?filter=table%3Atodo");
  }
  return {};
}

// One more than there may be is none at all.
constexpr const char* insert_view = R"(
insert into _bemi.saved_view (owner, name, address, is_shared)
select $1, $2, $3, $4::boolean
where (select count(*) from _bemi.saved_view where owner = $1 and name <> $2) < $5::int
on conflict (owner, name) do update set address = excluded.address, is_shared = excluded.is_shared)";

}  // namespace

base::Result<std::string> Views::list(const std::string& owner) {
  TRY_ASSIGN(auto connection, destination_->reader());
  TRY_ASSIGN(pg::Rows rows, connection->query(R"(
select coalesce(json_agg(json_build_object('name', name, 'address', address, 'owner', owner, 'shared', is_shared,
    'own', owner = $1) order by name, owner), '[]') from _bemi.saved_view where owner = $1 or is_shared)",
                                              {owner}));
  return rows.text(0, 0);
}

base::Status Views::set(const View& view) {
  TRY(validate(view));
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY_ASSIGN(pg::Rows rows, connection.query(insert_view, {view.owner, view.name, view.address,
                                                           pg::boolean(view.is_shared),
                                                           std::to_string(views_max)}));
  if (rows.affected() > 0) return {};
  return base::fail(base::ErrorKind::limit,
                    "a person can keep at most " + std::to_string(views_max) + " views",
                    "delete one first");
}

base::Result<bool> Views::remove(const std::string& owner, const std::string& name) {
  TRY_ASSIGN(pg::Connection connection, destination_->writer());
  TRY_ASSIGN(pg::Rows rows,
             connection.query("delete from _bemi.saved_view where owner = $1 and name = $2",
                              {owner, name}));
  return rows.affected() > 0;
}

}  // namespace bemi::serve
