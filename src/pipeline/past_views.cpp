// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pipeline/past_views.hpp"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "wal/event_triggers.hpp"

namespace pipeline {
namespace {

using namespace std::chrono_literals;

constexpr auto refresh_interval = 1s;
// A backlog is stored sooner when its keys are gathered in few large parts: the refreshes take a
// tenth of the time, but a view is not left behind for longer than this.
constexpr int pause_of_a_refresh = 9;
constexpr auto refresh_interval_max = 30s;
constexpr auto retry_interval_max = 600s;
constexpr int refreshes_between_looks = 20;

// What is there and not in the publication, with its columns.
constexpr const char* select_untracked = R"(
select coalesce(jsonb_agg(jsonb_build_array(n.nspname, c.relname, (
         select jsonb_agg(jsonb_build_array(a.attname, case when a.atttypid < 16384
                            then format_type(a.atttypid, null) else 'text' end) order by a.attnum)
         from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
       order by n.nspname, c.relname), '[]')
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and c.relpersistence <> 't' and not c.relispartition
  and n.nspname !~ '^(pg_|time_travel)' and n.nspname not in ('information_schema', '_bemi', '_bemi_setup', '_bemi_source', 'bemi')
  and not exists (select from pg_publication_tables t
                  where t.pubname = $1 and t.schemaname = n.nspname and t.tablename = c.relname)
  and n.nspname <> all (array(select jsonb_array_elements_text($2::jsonb)))
  and not (c.relname ~ '^changes(_[0-9w_]+)?$' and obj_description(c.oid, 'pg_class') ~ 'kept by Bemi')
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e'))";

constexpr const char* replace_untracked = R"(
with told as (
  select t ->> 0 as schema, t ->> 1 as "table", t -> 2 as columns
  from jsonb_array_elements($2::jsonb) t where t -> 2 <> 'null'
), gone as (
  delete from _bemi.untracked u where u.source = $1
    and not exists (select from told t where (t.schema, t."table") = (u.schema, u."table"))
)
insert into _bemi.untracked select $1, t.* from told t
on conflict (source, schema, "table") do update set columns = excluded.columns)";

std::chrono::milliseconds pause_after(std::chrono::steady_clock::duration refresh) {
  auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(refresh * pause_of_a_refresh);
  return std::clamp<std::chrono::milliseconds>(pause, refresh_interval, refresh_interval_max);
}

}  // namespace

PastViews::PastViews(const Settings& settings, std::string source_name,
                     const base::Interrupt& interrupt)
    : settings_(&settings),
      source_name_(std::move(source_name)),
      interrupt_(&interrupt),
      retry_pause_(refresh_interval),
      periodic_(0ms, [this] { return keep_up(); }) {}

std::chrono::milliseconds PastViews::keep_up() {
  base::Status done;
  std::string told = told_;
  if (rounds_++ % refreshes_between_looks == 0) done = tell_untracked();
  bool news = told != told_;
  auto began = std::chrono::steady_clock::now();
  if (done) done = refresh(/*everything=*/news);
  if (done || interrupt_->triggered()) {
    retry_pause_ = refresh_interval;
    return pause_after(std::chrono::steady_clock::now() - began);
  }
  base::log::warning("the views of the past are behind: {}; trying again in {} s",
                     done.error().message, retry_pause_.count());
  destination_.reset();
  auto pause = retry_pause_;
  retry_pause_ = std::min<std::chrono::seconds>(retry_pause_ * 2, retry_interval_max);
  return pause;
}

base::Status PastViews::refresh(bool everything) {
  if (!destination_) {
    TRY_ASSIGN(pg::Connection opened, pg::Connection::open({.url = settings_->destination_url,
                                                            .purpose = "bemi/views",
                                                            .interrupt = interrupt_}));
    destination_.emplace(std::move(opened));
  }
  TRY(destination_->query("select bemi.refresh_time_travel($1)", {pg::boolean(everything)}));
  return {};
}

base::Status PastViews::tell_untracked() {
  TRY_ASSIGN(pg::Connection source,
             pg::Connection::open(
                 {.url = settings_->source_url, .purpose = "bemi/views", .interrupt = interrupt_}));
  TRY_ASSIGN(auto copies, wal::copy_schemas(source));
  TRY_ASSIGN(pg::Rows rows, source.query(select_untracked, {settings_->setup.publication,
                                                            nlohmann::json(copies).dump()}));
  std::string found = rows.text(0, 0);
  if (found == told_) return {};
  TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings_->destination_url,
                                                               .purpose = "bemi/views",
                                                               .interrupt = interrupt_}));
  TRY(destination.query(replace_untracked, {source_name_, found}));
  told_ = std::move(found);
  return {};
}

}  // namespace pipeline
