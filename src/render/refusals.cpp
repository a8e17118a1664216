// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/refusals.hpp"

#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"
#include "change/sql_text.hpp"

namespace bemi::render {
namespace {

using namespace std::chrono_literals;
namespace limits = base::limits;

constexpr auto alarm_interval = 1min;

void add(Refusals::Kept& kept, std::size_t bytes) {
  ++kept.count;
  kept.bytes += static_cast<std::int64_t>(bytes);
}

bool within(const Refusals::Kept& kept, std::int64_t count_max, std::int64_t bytes_max) {
  return kept.count < count_max && kept.bytes < bytes_max;
}

}  // namespace

bool Refusals::has_room(std::size_t bytes, Clock::time_point now) {
  if (now - hour_began_ >= 1h) {
    hour_began_ = now;
    this_hour_ = {};
  }
  bool room =
      within(this_hour_, limits::refused_kept_per_hour_max, limits::refused_bytes_per_hour_max) &&
      within(kept_, limits::refused_kept_max, limits::refused_bytes_max);
  if (!room) return false;
  add(this_hour_, bytes);
  add(kept_, bytes);
  return true;
}

void Refusals::alarm(change::MessageKind kind, std::int64_t count, const std::string& reason,
                     Clock::time_point now) {
  if (count == 0) return;
  Alarm& alarm = alarms_.at(static_cast<std::size_t>(kind));
  alarm.unsaid += count;
  bool first = alarm.said == Clock::time_point{};
  if (!first && now - alarm.said < alarm_interval) return;
  alarm.said = now;
  auto refused = std::exchange(alarm.unsaid, 0);
  base::log::warning("{} {} {} refused{}{}; see _bemi.parked", refused,
                     kind == change::MessageKind::other ? "other" : change::name(kind),
                     refused == 1 ? "message was" : "messages were",
                     reason.empty() ? "" : ", the last one: ", reason);
}

void Refusals::take(stitch::Transaction& transaction, Clock::time_point now, BatchBuilder& out) {
  const change::RefusedCounts& counts = transaction.refused_counts;
  if (!counts.any()) return;
  out.add_refused(counts);
  std::array<std::string, change::message_kinds> reasons;
  for (stitch::RefusedMessage& refused : transaction.refused) {
    reasons.at(static_cast<std::size_t>(refused.kind)) = refused.reason;
    if (redacts_ || change::speaks_of_password(refused.content)) refused.content.clear();
    if (!has_room(refused.content.size(), now)) continue;
    out.add_parked({refused.kind, std::move(refused.reason), std::move(refused.content)});
  }
  alarm(change::MessageKind::context, counts.context, reasons[0], now);
  alarm(change::MessageKind::schema, counts.schema, reasons[1], now);
  alarm(change::MessageKind::other, counts.other, reasons[2], now);
}

}  // namespace bemi::render
