// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/managed_ends.hpp"

#include <algorithm>

namespace bemi::host {

// The registry is read at most once in two seconds, however many ask.
base::Result<std::shared_ptr<SourceProbe>> ManagedProbe::probe_of(const std::string& source) {
  constexpr std::chrono::seconds kept_for{2};
  std::scoped_lock lock(mutex_);
  auto now = std::chrono::steady_clock::now();
  if (now - looked_at_ > kept_for) {
    TRY_ASSIGN(auto all, control_->registry().all());
    std::map<std::string, Known> found;
    for (const supervise::Source& managed : all) {
      Known& known = known_[managed.name];
      if (!known.probe || known.revision != managed.revision) {
        known = {managed.revision,
                 std::make_shared<SourceProbe>(managed.url, managed.name, *stop_)};
      }
      found[managed.name] = known;
    }
    known_ = std::move(found);
    looked_at_ = now;
  }
  auto known = known_.find(source);
  return known == known_.end() ? nullptr : known->second.probe;
}

base::Result<std::optional<serve::SlotStatus>> ManagedProbe::slot(const std::string& source,
                                                                  const std::string& slot_name,
                                                                  const std::string& position) {
  TRY_ASSIGN(auto probe, probe_of(source));
  if (probe) return probe->slot(source, slot_name, position);
  if (own_) return own_->slot(source, slot_name, position);
  return std::nullopt;
}

base::Result<std::unique_ptr<query::LiveSide>> ManagedLiveRows::open(pg::Connection& history,
                                                                     const std::string& source) {
  TRY_ASSIGN(auto all, control_->registry().all());
  auto managed = std::ranges::find(all, source, &supervise::Source::name);
  if (managed != all.end()) {
    return open_live_side(control_->config_of(*managed), history, source);
  }
  if (own_) return own_->open(history, source);
  return base::fail(base::ErrorKind::usage, "this server does not manage the source " + source);
}

base::Result<std::shared_ptr<serve::Undo>> ManagedUndo::undo_of(
    const std::optional<std::string>& source) {
  TRY_ASSIGN(auto all, control_->registry().all());
  if (all.empty() && own_) return own_;
  if (!source && all.size() + (own_ ? 1 : 0) > 1) {
    return base::fail(base::ErrorKind::usage, "several sources are managed here",
                      "say which one to undo in: source:NAME");
  }
  for (const supervise::Source& managed : all) {
    if (source && managed.name != *source) continue;
    if (managed.revert_url.empty()) {
      return base::fail(base::ErrorKind::permission,
                        "no role that may write to " + managed.name + " is known here",
                        "connect it again with an address for undoing");
    }
    return std::make_shared<SourceUndo>(control_->config_of(managed), *stop_);
  }
  if (own_) return own_;
  return base::fail(base::ErrorKind::usage, "this server does not manage that source");
}

base::Result<revert::Plan> ManagedUndo::plan(const revert::Request& request) {
  TRY_ASSIGN(auto undo, undo_of(request.filter.source));
  return undo->plan(request);
}

base::Result<revert::Outcome> ManagedUndo::apply(const revert::Request& request,
                                                 const std::string& digest) {
  TRY_ASSIGN(auto undo, undo_of(request.filter.source));
  return undo->apply(request, digest);
}

base::Result<revert::Mark> ManagedUndo::create_mark(const revert::NewMark& wanted) {
  TRY_ASSIGN(auto undo, undo_of(std::nullopt));
  return undo->create_mark(wanted);
}

base::Result<revert::Outcome> ManagedUndo::roll_back(const std::string& mark, bool force,
                                                     const std::string& actor) {
  TRY_ASSIGN(auto undo, undo_of(std::nullopt));
  return undo->roll_back(mark, force, actor);
}

base::Result<revert::Outcome> ManagedUndo::roll_forward(const std::string& mark,
                                                        const std::string& actor) {
  TRY_ASSIGN(auto undo, undo_of(std::nullopt));
  return undo->roll_forward(mark, actor);
}

base::Status ManagedUndo::delete_mark(const std::string& mark, bool force) {
  TRY_ASSIGN(auto undo, undo_of(std::nullopt));
  return undo->delete_mark(mark, force);
}

}  // namespace bemi::host
