// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/source_probe.hpp"

#include "wal/slot.hpp"

namespace bemi::host {
namespace {

constexpr std::chrono::seconds kept_for{2};
// The source has other work to do.
constexpr const char* statement_limit = "set statement_timeout = 5000";

constexpr const char* select_lag =
    "select greatest(pg_wal_lsn_diff(case when pg_is_in_recovery() then "
    "pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end, "
    "nullif($1, '')::pg_lsn), 0)::bigint";

}  // namespace

base::Result<std::optional<serve::SlotStatus>> SourceProbe::slot(const std::string& source,
                                                                 const std::string& slot_name,
                                                                 const std::string& position) {
  std::scoped_lock lock(mutex_);
  auto now = std::chrono::steady_clock::now();
  if (!connection_) {
    TRY_ASSIGN(connection_,
               pg::Connection::open(
                   {.url = url_, .purpose = "bemi/probe", .read_only = true, .interrupt = stop_}));
    TRY(connection_->run(statement_limit));
  }
  if (source != (source_name_.empty() ? connection_->database() : source_name_))
    return std::nullopt;
  if (last_ && now - looked_at_ < kept_for) return last_;
  auto seen = look(slot_name, position);
  if (!seen) {
    connection_.reset();
    last_.reset();
    return std::unexpected(seen.error());
  }
  last_ = *seen;
  looked_at_ = now;
  return last_;
}

base::Result<serve::SlotStatus> SourceProbe::look(const std::string& slot_name,
                                                  const std::string& position) {
  serve::SlotStatus status;
  TRY_ASSIGN(auto slot, wal::find_slot(*connection_, slot_name));
  if (slot) {
    status.is_there = true;
    status.is_active = slot->active;
    status.wal_status = slot->wal_status;
    status.retained_bytes = slot->retained_bytes;
    status.safe_wal_bytes = slot->safe_wal_bytes;
  }
  TRY_ASSIGN(pg::Rows lag, connection_->query(select_lag, {position}));
  status.lag_bytes = lag.integer(0, 0);
  return status;
}

}  // namespace bemi::host
