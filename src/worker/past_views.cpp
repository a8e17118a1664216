// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/past_views.hpp"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "wal/application.hpp"
#include "worker/sql.hpp"

namespace bemi::worker {
namespace {

using namespace std::chrono_literals;

constexpr auto refresh_interval = 1s;
// A backlog is stored sooner when its keys are gathered in few large parts: the refreshes take a
// tenth of the time, but a view is not left behind for longer than this.
constexpr int pause_of_a_refresh = 9;
constexpr auto refresh_interval_max = 30s;
constexpr auto retry_interval_max = 600s;
constexpr int refreshes_between_looks = 20;

// Views that are not there yet are waited for: making them pauses for as long as it works.
std::chrono::milliseconds pause_after(std::chrono::steady_clock::duration refresh, bool has_more) {
  auto took = std::chrono::duration_cast<std::chrono::milliseconds>(refresh);
  if (has_more) return std::min<std::chrono::milliseconds>(took, refresh_interval_max);
  return std::clamp<std::chrono::milliseconds>(took * pause_of_a_refresh, refresh_interval,
                                               refresh_interval_max);
}

}  // namespace

PastViews::PastViews(const pipeline::Settings& settings, std::string source_name,
                     const base::Interrupt& interrupt)
    : settings_(&settings),
      source_name_(std::move(source_name)),
      interrupt_(&interrupt),
      retry_pause_(refresh_interval),
      periodic_(0ms, [this] { return keep_up(); }) {}

std::chrono::milliseconds PastViews::keep_up() {
  base::Status done;
  if (rounds_++ % refreshes_between_looks == 0) done = tell_untracked();
  auto began = std::chrono::steady_clock::now();
  if (done) done = refresh();
  if (done || interrupt_->triggered()) {
    retry_pause_ = refresh_interval;
    return pause_after(std::chrono::steady_clock::now() - began, remaining_ > 0);
  }
  base::log::warning("the views of the past are behind: {}; trying again in {} s",
                     done.error().message, retry_pause_.count());
  destination_.reset();
  auto pause = retry_pause_;
  retry_pause_ = std::min<std::chrono::seconds>(retry_pause_ * 2, retry_interval_max);
  return pause;
}

base::Status PastViews::refresh() {
  if (!destination_) {
    TRY_ASSIGN(pg::Connection opened, pg::Connection::open({.url = settings_->destination_url,
                                                            .purpose = "bemi/views",
                                                            .interrupt = interrupt_}));
    destination_.emplace(std::move(opened));
  }
  TRY_ASSIGN(pg::Rows rows, destination_->query("select bemi.refresh_time_travel(false)", {}));
  auto remaining = rows.integer(0, 0);
  if (remaining > 0 && remaining_ == 0) {
    base::log::info("making the views of the past of {} more tables", remaining);
  } else if (remaining == 0 && remaining_ > 0) {
    base::log::info("the views of the past are made");
  }
  remaining_ = remaining;
  return {};
}

base::Status PastViews::tell_untracked() {
  TRY_ASSIGN(pg::Connection source,
             pg::Connection::open(
                 {.url = settings_->source_url, .purpose = "bemi/views", .interrupt = interrupt_}));
  TRY_ASSIGN(std::string relations, wal::application_relations(source, "rpvmf"));
  TRY_ASSIGN(pg::Rows rows,
             source.query(sql::untracked_tables, {settings_->setup.publication, relations}));
  std::string found = rows.text(0, 0);
  if (found == told_) return {};
  TRY_ASSIGN(pg::Connection destination, pg::Connection::open({.url = settings_->destination_url,
                                                               .purpose = "bemi/views",
                                                               .interrupt = interrupt_}));
  TRY(destination.query(sql::replace_untracked, {source_name_, found}));
  told_ = std::move(found);
  return {};
}

}  // namespace bemi::worker
