// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/resume.hpp"

#include "base/log.hpp"
#include "wal/reader.hpp"

namespace bemi::worker {
namespace {

constexpr const char* way_on =
    "to go on with a marked gap and a new baseline, run: bemi init --accept-gap";

std::unexpected<base::Error> gap(pg::Connection& destination, const store::Progress& progress,
                                 const std::string& reason, change::Lsn to) {
  base::Status recorded = store::record_gap(destination, {.source = progress.source,
                                                          .epoch = progress.epoch,
                                                          .reason = reason,
                                                          .from = progress.position,
                                                          .to = to});
  if (!recorded) base::log::error("cannot record the gap: {}", recorded.error().message);
  return base::fail(
      base::ErrorKind::gap,
      reason + "; changes after " + change::format(progress.position) + " may be lost", way_on);
}

store::Progress fresh(const wal::SourceIdentity& identity, const pipeline::Settings& settings) {
  return {.source = settings.setup.source_name,
          .database = identity.database,
          .slot = settings.setup.slot,
          .publication = settings.setup.publication,
          .state = store::SourceState::creating,
          .system_identifier = identity.system_identifier,
          .timeline = identity.timeline};
}

// A standby that was promoted has all that we stored, and a slot that came with it: then nothing is
// lost, and the stream goes on.
base::Status follow_timeline(pg::Connection& source, pg::Connection& destination,
                             const store::Progress& progress, const wal::SourceIdentity& identity,
                             const pipeline::Settings& settings) {
  TRY_ASSIGN(pg::Connection replication, pg::Connection::open({.url = settings.source_url,
                                                               .purpose = "bemi/timeline",
                                                               .replication = true,
                                                               .interrupt = settings.stop}));
  TRY_ASSIGN(std::optional<change::Lsn> end,
             wal::end_of_timeline(replication, progress.timeline, identity.timeline));
  TRY_ASSIGN(std::optional<wal::Slot> slot, wal::find_slot(source, progress.slot));
  if (!end || progress.position > *end || !slot) {
    std::string why = slot ? "" : ", and the slot " + progress.slot + " did not come with it";
    return gap(destination, progress,
               "the source is on another timeline (failover or restore)" + why, {});
  }
  base::log::warning("the source went from timeline {} to {} at {}; nothing is lost",
                     progress.timeline, identity.timeline, change::format(*end));
  return store::save_timeline(destination, progress.source, identity.timeline);
}

base::Status check_identity(pg::Connection& source, pg::Connection& destination,
                            const store::Progress& progress, const pipeline::Settings& settings) {
  TRY_ASSIGN(wal::SourceIdentity identity, wal::identify(source));
  if (progress.database != identity.database) {
    return base::fail(base::ErrorKind::conflict,
                      "the source " + progress.source + " is stored here as the database " +
                          progress.database + ", not " + identity.database,
                      "give this source another name with --name");
  }
  if (progress.system_identifier != identity.system_identifier) {
    return base::fail(base::ErrorKind::conflict,
                      "another PostgreSQL cluster is stored here as the source " + progress.source,
                      "give this source another name with --name; if it is the old one restored "
                      "elsewhere, run: bemi init --accept-gap");
  }
  if (progress.timeline != identity.timeline) {
    TRY(follow_timeline(source, destination, progress, identity, settings));
  }
  TRY_ASSIGN(change::Lsn newest, wal::flushed_position(source));
  if (newest >= progress.position) return {};
  if (identity.in_recovery) {
    return base::fail(base::ErrorKind::connection, "the standby has yet to catch up");
  }
  return gap(destination, progress,
             "the source is at " + change::format(newest) +
                 ", before what is stored of it: it was restored from a backup",
             newest);
}

// A slot without progress: ours from a start that was cut short, or somebody else's.
base::Status clear_slot(pg::Connection& source, const wal::Slot& slot, bool known) {
  if (std::string foreign = wal::foreign_slot(slot, source.database()); !foreign.empty()) {
    return base::fail(base::ErrorKind::conflict, foreign, "choose another name with --slot");
  }
  if (known && slot.active) TRY(wal::end_creation(source, slot.name));
  TRY_ASSIGN(std::optional<wal::Slot> left, wal::find_slot(source, slot.name));
  if (!left) return {};
  if (known && !left->active) {
    base::log::info("removing the slot {} of a start that was cut short", slot.name);
    return wal::drop_slot(source, slot.name);
  }
  return base::fail(
      slot.active && known ? base::ErrorKind::serialization : base::ErrorKind::conflict,
      "the slot " + slot.name + " exists already, and this destination does not know it",
      "another history reads it: give that one as --destination, or choose --slot NAME");
}

// Only values of hundreds of megabytes are beyond the server.
constexpr const char* select_large = R"(
select coalesce(string_agg(distinct t.schemaname || '.' || t.tablename, ', '), '')
from pg_publication_tables t
join pg_class c on c.oid = format('%I.%I', t.schemaname, t.tablename)::regclass
join pg_class l on l.oid = c.oid
where t.pubname = $1 and l.reltoastrelid <> 0 and pg_relation_size(l.reltoastrelid) > 200000000)";

}  // namespace

base::Status check_source(pg::Connection& source, pg::Connection& destination,
                          const pipeline::Settings& settings) {
  TRY_ASSIGN(std::optional<store::Progress> progress,
             store::load_progress(destination, settings.setup.source_name));
  if (!progress || progress->state != store::SourceState::streaming) return {};
  return check_identity(source, destination, *progress, settings);
}

base::Status check_slot(pg::Connection& source, pg::Connection& destination,
                        const store::Progress& progress) {
  TRY_ASSIGN(std::optional<wal::Slot> slot, wal::find_slot(source, progress.slot));
  if (!slot) return gap(destination, progress, "the slot " + progress.slot + " is gone", {});
  if (std::string foreign = wal::foreign_slot(*slot, source.database()); !foreign.empty()) {
    return gap(destination, progress, "the slot " + progress.slot + " is gone: now " + foreign, {});
  }
  if (slot->wal_status == "lost") {
    return gap(destination, progress, "the slot " + progress.slot + " was invalidated", {});
  }
  if (slot->confirmed_flush > progress.position) {
    return gap(destination, progress, "the slot " + progress.slot + " was advanced by someone else",
               slot->confirmed_flush);
  }
  return {};
}

base::Error judge_end(base::Error error, pg::Connection& source, pg::Connection& destination,
                      const store::Progress& progress) {
  if (error.kind != base::ErrorKind::gap) return error;
  if (!wal::says_no_publication(error)) {
    auto large = source.query(select_large, {progress.publication});
    if (large && !large->text(0, 0).empty()) {
      error.message += "; tables with values that large: " + large->text(0, 0);
    }
  }
  auto stored = store::load_progress(destination, progress.source);
  const store::Progress& until = stored && *stored ? **stored : progress;
  return gap(destination, until, error.message,
             change::parse_lsn(error.lsn).value_or(change::Lsn{}))
      .error();
}

base::Result<Resume> find_resume(pg::Connection& source, pg::Connection& destination,
                                 const pipeline::Settings& settings) {
  TRY_ASSIGN(wal::SourceIdentity identity, wal::identify(source));
  TRY_ASSIGN(std::optional<store::Progress> progress,
             store::load_progress(destination, settings.setup.source_name));
  if (progress && progress->state == store::SourceState::streaming) {
    TRY(check_identity(source, destination, *progress, settings));
    progress->timeline = identity.timeline;
    TRY(check_slot(source, destination, *progress));
    return Resume{std::move(*progress), std::move(identity)};
  }
  TRY_ASSIGN(std::optional<wal::Slot> slot, wal::find_slot(source, settings.setup.slot));
  if (slot) TRY(clear_slot(source, *slot, progress.has_value()));
  store::Progress begin = fresh(identity, settings);
  if (progress) {
    begin.epoch = progress->epoch;
    begin.effective_at = progress->effective_at;
  }
  return Resume{std::move(begin), std::move(identity)};
}

}  // namespace bemi::worker
