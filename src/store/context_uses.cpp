// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/context_uses.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "store/sql.hpp"

namespace bemi::store {
namespace {

constexpr int sessions_loaded_max = 100'000;

constexpr const char* select_sessions = R"(
select key, session, number, (extract(epoch from signed_at) * 1000000)::bigint
from _bemi.context_session where source = $1 order by signed_at desc limit $2)";

constexpr const char* delete_sessions = R"(
delete from _bemi.context_session known using _bemi.source here
where here.name = $1 and known.source = $1 and known.signed_at < here.effective_at - interval '25 hours')";

}  // namespace

void ContextUses::take(const change::Batch& batch) {
  for (const change::ContextSession& session : batch.context_sessions) {
    auto [known, is_new] = sessions_.try_emplace({session.key_id, session.session}, session);
    if (is_new) continue;
    known->second.number = std::max(known->second.number, session.number);
    known->second.signed_at = std::max(known->second.signed_at, session.signed_at);
  }
  for (const change::ContextFault& fault : batch.context_faults) {
    Finding& finding = faults_[{std::string(name(fault.fault)), fault.key_id}];
    std::int64_t before = finding.fault.messages;
    finding = {fault, batch.transaction.committed_at, batch.transaction.id};
    finding.fault.messages += before;
  }
}

base::Status ContextUses::write(pg::Connection& destination, const std::string& source) const {
  if (!sessions_.empty()) {
    auto list = nlohmann::json::array();
    for (const auto& [name, session] : sessions_) {
      list.push_back({{"key", session.key_id},
                      {"session", session.session},
                      {"number", session.number},
                      {"signed_at", base::format(session.signed_at)}});
    }
    TRY(destination.query(sql::save_context_sessions, {source, list.dump()}));
  }
  if (faults_.empty()) return {};
  auto list = nlohmann::json::array();
  for (const auto& [name, finding] : faults_) {
    std::uint64_t other = finding.fault.other_transaction;
    list.push_back(
        {{"reason", name.first},
         {"key", name.second},
         {"messages", finding.fault.messages},
         {"at", base::format(finding.at)},
         {"transaction_id", finding.transaction_id},
         {"other_transaction_id", other == 0 ? nlohmann::json(nullptr) : nlohmann::json(other)}});
  }
  TRY(destination.query(sql::save_context_findings, {source, list.dump()}));
  return {};
}

base::Result<KnownSessions> load_context_sessions(pg::Connection& destination,
                                                  const std::string& source) {
  TRY_ASSIGN(pg::Rows rows,
             destination.query(select_sessions, {source, std::to_string(sessions_loaded_max)}));
  KnownSessions known;
  known.sessions.reserve(static_cast<std::size_t>(rows.count()));
  for (int row = 0; row < rows.count(); ++row) {
    known.sessions.push_back({.key_id = rows.text(row, 0),
                              .session = rows.text(row, 1),
                              .number = rows.integer(row, 2),
                              .signed_at = {rows.integer(row, 3)}});
  }
  if (rows.count() == sessions_loaded_max) {
    known.forgotten_until = {known.sessions.back().signed_at.unix_us + 1};
  }
  return known;
}

base::Status forget_context_sessions(pg::Connection& destination, const std::string& source) {
  TRY(destination.query(delete_sessions, {source}));
  return {};
}

}  // namespace bemi::store
