// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The dashboard's questions to a source and writes to it, for every source of this program: the
// one of its own configuration, and those that are managed here.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "host/source_control.hpp"
#include "host/source_live_rows.hpp"
#include "host/source_probe.hpp"
#include "host/source_undo.hpp"

namespace bemi::host {

class ManagedProbe : public serve::Probe {
 public:
  // `own` null: this program has no source of its own.
  ManagedProbe(std::shared_ptr<serve::Probe> own, SourceControl& control,
               const base::Interrupt& stop)
      : own_(std::move(own)), control_(&control), stop_(&stop) {}

  base::Result<std::optional<serve::SlotStatus>> slot(const std::string& source,
                                                      const std::string& slot_name,
                                                      const std::string& position) override;

 private:
  struct Known {
    int revision = 0;
    std::shared_ptr<SourceProbe> probe;
  };
  // Null: none that is managed here.
  base::Result<std::shared_ptr<SourceProbe>> probe_of(const std::string& source);

  std::shared_ptr<serve::Probe> own_;
  SourceControl* control_;
  const base::Interrupt* stop_;
  std::mutex mutex_;
  std::map<std::string, Known> known_;
  std::chrono::steady_clock::time_point looked_at_{};
};

class ManagedLiveRows : public serve::LiveRows {
 public:
  // `own` null: this program has no source of its own.
  ManagedLiveRows(std::shared_ptr<serve::LiveRows> own, SourceControl& control)
      : own_(std::move(own)), control_(&control) {}

  base::Result<std::unique_ptr<query::LiveSide>> open(pg::Connection& history,
                                                      const std::string& source) override;

 private:
  std::shared_ptr<serve::LiveRows> own_;
  SourceControl* control_;
};

// With several sources, the request's filter names one. Marks belong to the program's own source.
class ManagedUndo : public serve::Undo {
 public:
  ManagedUndo(std::shared_ptr<serve::Undo> own, SourceControl& control, const base::Interrupt& stop)
      : own_(std::move(own)), control_(&control), stop_(&stop) {}

  base::Result<revert::Plan> plan(const revert::Request& request) override;
  base::Result<revert::Outcome> apply(const revert::Request& request,
                                      const std::string& digest) override;
  base::Result<revert::Mark> create_mark(const revert::NewMark& wanted) override;
  base::Result<revert::Outcome> roll_back(const std::string& mark, bool force,
                                          const std::string& actor) override;
  base::Result<revert::Outcome> roll_forward(const std::string& mark,
                                             const std::string& actor) override;
  base::Status delete_mark(const std::string& mark, bool force) override;

 private:
  base::Result<std::shared_ptr<serve::Undo>> undo_of(const std::optional<std::string>& source);

  std::shared_ptr<serve::Undo> own_;
  SourceControl* control_;
  const base::Interrupt* stop_;
};

}  // namespace bemi::host
