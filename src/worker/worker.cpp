// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/worker.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "base/log.hpp"
#include "pipeline/session.hpp"
#include "store/context_uses.hpp"
#include "store/relation_note.hpp"
#include "store/source_lock.hpp"
#include "wal/event_triggers.hpp"
#include "worker/baseline.hpp"
#include "worker/chain_check.hpp"
#include "worker/destination_maintenance.hpp"
#include "worker/error_policy.hpp"
#include "worker/first_start.hpp"
#include "worker/late_baseline.hpp"
#include "worker/past_views.hpp"
#include "worker/report.hpp"
#include "worker/resume.hpp"
#include "worker/source_maintenance.hpp"

namespace bemi::worker {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto backoff_min = 100ms;
constexpr auto backoff_max = 30'000ms;
constexpr auto alone_spell = 10min;

enum class End : std::uint8_t { source, destination };

base::Result<pg::Connection> connect(const std::string& url, const char* purpose,
                                     const base::Interrupt* interrupt, const char* which, End end,
                                     bool replication = false) {
  auto opened = pg::Connection::open({.url = url,
                                      .purpose = purpose,
                                      .replication = replication,
                                      .interrupt = interrupt,
                                      .stored_text = end == End::source});
  if (opened) return opened;
  return std::unexpected(opened.error().within(which));
}

// Does the work of `init` where it is missing. It looks first: a refusal has changed nothing.
base::Status prepare(pg::Connection& source, pg::Connection& destination,
                     pipeline::Settings& settings) {
  TRY(setup::take_known(destination, settings.setup));
  TRY(setup::look_at_source(source, settings.setup));
  TRY(setup::look_at_destination(destination));
  TRY(store::migrate(destination, settings.setup.destination));
  TRY(check_source(source, destination, settings));
  TRY_ASSIGN(auto steps, setup::plan_source(source, settings.setup));
  if (steps.empty()) return {};
  TRY(note_missed(source, destination, settings.setup));
  auto report = [](const std::string& text) { base::log::info("{}", text); };
  if (settings.admin_url.empty()) return setup::apply(source, steps, report);
  TRY_ASSIGN(pg::Connection admin, connect(settings.admin_url, "bemi/init", settings.stop,
                                           "source, as administrator", End::source));
  return setup::apply(admin, steps, report);
}

// For observers elsewhere. The stream does not need it, and a failure here does not end it.
void note_worker(pg::Connection& destination, const pipeline::Settings& settings) {
  std::array<char, HOST_NAME_MAX + 1> host{};
  gethostname(host.data(), host.size() - 1);
  base::Status noted = store::note_worker(destination, {.source = settings.setup.source_name,
                                                        .host = host.data(),
                                                        .pid = getpid(),
                                                        .version = settings.version});
  if (!noted) base::log::debug("noting the worker: {}", noted.error().message);
}

// Gives the renderer the tables' stored shapes, and the session what else is on record.
base::Result<pipeline::Session::Known> recall(pg::Connection& destination,
                                              const store::Progress& progress,
                                              render::Renderer& renderer) {
  const std::string& source = progress.source;
  TRY_ASSIGN(auto relations, store::load_relations(destination, source));
  renderer.remember(std::move(relations));
  TRY_ASSIGN(auto redacted, store::load_redacted(destination, source));
  renderer.remember_redactions(redacted);
  TRY_ASSIGN(pg::Rows rows,
             destination.query("select count(*), coalesce(sum(length(content)), 0)::bigint "
                               "from _bemi.parked where source = $1 and what <> 'change'",
                               {source}));
  TRY_ASSIGN(auto sessions, store::load_context_sessions(destination, source));
  return pipeline::Session::Known{
      .refused_kept = {.count = rows.integer(0, 0), .bytes = rows.integer(0, 1)},
      .sessions = std::move(sessions),
      .database = progress.database};
}

// To store beside the first connection, which holds the lock.
struct OpenAnother {
  const pipeline::Settings& settings;
  const base::Interrupt& session_interrupt;
  const store::SourceLock& lock;
  const store::Progress& progress;

  base::Result<store::Writer> operator()(int number) const {
    std::string purpose = fmt::format("bemi/store-{}", number);
    TRY_ASSIGN(pg::Connection another,
               connect(settings.destination_url, purpose.c_str(), &session_interrupt, "destination",
                       End::destination));
    TRY(store::share_lock(another, lock));
    return store::Writer::open(std::move(another), progress, store::Writer::Mode::fast);
  }
};

// The threads that run for as long as the stream does, each with connections of its own.
struct BesideTheStream {
  BesideTheStream(const pipeline::Settings& settings, const store::Progress& progress,
                  pipeline::Stages& stages, const base::Interrupt& interrupt)
      : source_maintenance(settings, progress, interrupt),
        late_baseline(settings, progress, interrupt),
        destination_maintenance(settings, progress.source, stages, interrupt),
        past_views(settings, progress.source, interrupt),
        chain_check(settings, progress.source, interrupt) {}

  SourceMaintenance source_maintenance;
  LateBaseline late_baseline;
  DestinationMaintenance destination_maintenance;
  PastViews past_views;
  ChainCheck chain_check;
};

// One connect to one error. `mode` is what the writer was in at the end.
base::Status run_session(pipeline::Settings& settings, store::Writer::Mode& mode) {
  // Ended by the first error of any thread; the stop itself reaches the others through the reader.
  base::Interrupt session_interrupt;

  // Both ends, and what they need.
  TRY_ASSIGN(pg::Connection source,
             connect(settings.source_url, "bemi/catalog", settings.stop, "source", End::source));
  TRY_ASSIGN(pg::Connection destination, connect(settings.destination_url, "bemi/init",
                                                 settings.stop, "destination", End::destination));
  TRY(prepare(source, destination, settings));

  // Under the lock, so that only one of two workers touches slot and history.
  TRY_ASSIGN(pg::Connection storing, connect(settings.destination_url, "bemi/store",
                                             &session_interrupt, "destination", End::destination));
  TRY_ASSIGN(store::SourceLock lock, store::lock_source(storing, settings.setup.source_name));
  TRY_ASSIGN(Resume resume, find_resume(source, destination, settings));
  bool is_new = resume.progress.state == store::SourceState::creating;
  if (is_new) TRY(store::save_progress(destination, resume.progress));
  note_worker(destination, settings);
  TRY_ASSIGN(store::Writer writer, store::Writer::open(std::move(storing), resume.progress, mode));
  if (is_new) TRY(begin_tracking(source, destination, writer, settings));
  TRY_ASSIGN(auto signing_key, wal::find_signing_key(source));
  render::Renderer renderer(render::live_catalog(source), settings.setup.selection,
                            /*has_ddl_messages=*/signing_key.has_value());
  TRY_ASSIGN(auto known, recall(destination, resume.progress, renderer));
  TRY(wal::release_slot(source, resume.progress.slot));

  // The stream. From here on nobody else can move the slot: look once more.
  TRY_ASSIGN(pg::Connection replication,
             connect(settings.source_url, "bemi/wal", settings.stop, "source, for replication",
                     End::source, /*replication=*/true));
  TRY_ASSIGN(
      wal::Reader reader,
      wal::Reader::start(std::move(replication), {.slot = resume.progress.slot,
                                                  .publication = resume.progress.publication,
                                                  .start = writer.progress().position,
                                                  .server_version = resume.source.server_version}));
  TRY(check_slot(source, destination, writer.progress()));
  TRY_ASSIGN(wal::Moment now, wal::now(source));
  base::log::info("streaming {} from {}", writer.progress().source,
                  change::format(writer.progress().position));
  Report(settings.status_fd).streaming();
  pipeline::Stages stages;
  BesideTheStream beside(settings, writer.progress(), stages, session_interrupt);
  pipeline::Session session(
      {.reader = reader,
       .renderer = renderer,
       .writer = writer,
       .open_another = OpenAnother{settings, session_interrupt, lock, resume.progress},
       .stages = stages,
       .session_interrupt = session_interrupt,
       .signing_key = std::move(signing_key),
       .transaction_id = now.transaction_id,
       .known = std::move(known),
       .recode = render::Recode::of(source)},
      settings);
  base::Error why = session.run();
  if (!writer.is_careful()) mode = store::Writer::Mode::fast;
  return std::unexpected(judge_end(std::move(why), source, destination, resume.progress));
}

// Half to one and a half of the step, so that many workers do not come back at once.
std::chrono::milliseconds jittered(std::chrono::milliseconds step) {
  static std::mt19937 random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> spread(step.count() / 2, step.count() * 3 / 2);
  return std::chrono::milliseconds(spread(random));
}

}  // namespace

base::Status keep_trying(const std::function<base::Status()>& attempt, const base::Interrupt& stop,
                         const Report& report) {
  auto backoff = backoff_min;
  while (!stop.triggered()) {
    auto began = Clock::now();
    base::Status ended = attempt();
    if (ended || reaction_to(ended.error()) == Reaction::stop) return ended;
    if (stop.triggered()) break;
    if (Clock::now() - began > 10s) backoff = backoff_min;
    auto pause = jittered(backoff);
    const base::Error& error = ended.error();
    base::log::warning("{}; trying again in {} ms{}", error.message, pause.count(),
                       error.hint.empty() ? "" : " (hint: " + error.hint + ")");
    report.retrying(error);
    base::pause(&stop, pause);
    backoff = std::min(backoff * 2, backoff_max);
  }
  return {};
}

base::Status run_worker(const pipeline::Settings& settings) {
  auto mode = store::Writer::Mode::fast;
  Clock::time_point alone_until{};
  auto session = [&]() -> base::Status {
    pipeline::Settings now = settings;
    if (Clock::now() < alone_until) now.store_connections = 1;
    base::Status ended = run_session(now, mode);
    if (ended || settings.stop->triggered()) return {};
    base::Error error = ended.error();
    Reaction reaction = reaction_to(error);
    // Row by row, and still refused: no single row was to blame.
    bool in_vain = reaction == Reaction::careful && mode == store::Writer::Mode::careful;
    if (in_vain) error.kind = base::ErrorKind::internal;
    // Connections that got into each other's way: for a while with one.
    if (error.kind == base::ErrorKind::serialization) alone_until = Clock::now() + alone_spell;
    mode = reaction == Reaction::careful ? store::Writer::Mode::careful : store::Writer::Mode::fast;
    return std::unexpected(std::move(error));
  };
  TRY(keep_trying(session, *settings.stop, Report(settings.status_fd)));
  base::log::info("stopped");
  return {};
}

}  // namespace bemi::worker
