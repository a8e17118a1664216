// SPDX-License-Identifier: LGPL-3.0-or-later
#include "supervise/supervisor.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>

#include "base/log.hpp"

namespace bemi::supervise {
namespace {

constexpr std::chrono::seconds look_every{1};

}  // namespace

Supervisor::Supervisor(Registry& registry, std::string program)
    : registry_(&registry),
      program_(std::move(program)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Supervisor::~Supervisor() {
  thread_.request_stop();
  thread_.join();
  // All are told before any is waited for.
  for (auto& [name, worker] : workers_) worker->stop();
}

void Supervisor::run(const std::stop_token& stop) {
  bool is_failing = false;
  std::mutex mutex;
  std::condition_variable_any ended;
  while (!stop.stop_requested()) {
    auto sources = registry_->all();
    if (sources) {
      adjust(*sources);
    } else if (!is_failing) {
      // The workers go on as they are.
      base::log::warning("the list of sources cannot be read: {}", sources.error().message);
    }
    is_failing = !sources;
    std::unique_lock lock(mutex);
    ended.wait_for(lock, stop, look_every, [] { return false; });
  }
}

void Supervisor::adjust(const std::vector<Source>& sources) {
  std::vector<std::unique_ptr<WorkerProcess>> ending;
  {
    std::scoped_lock lock(mutex_);
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      auto wanted = std::ranges::find(sources, worker->first, &Source::name);
      bool stays = wanted != sources.end() && !wanted->is_paused &&
                   wanted->revision == worker->second->revision();
      if (!stays) ending.push_back(std::move(worker->second));
      worker = stays ? std::next(worker) : workers_.erase(worker);
    }
  }
  for (auto& worker : ending) worker->stop();
  ending.clear();
  std::scoped_lock lock(mutex_);
  for (const Source& source : sources) {
    if (source.is_paused || workers_.contains(source.name)) continue;
    workers_[source.name] =
        std::make_unique<WorkerProcess>(program_, registry_->destination_url(), source);
  }
}

std::map<std::string, WorkerState> Supervisor::states() {
  std::scoped_lock lock(mutex_);
  std::map<std::string, WorkerState> found;
  for (auto& [name, worker] : workers_) found[name] = worker->state();
  return found;
}

void Supervisor::end(const std::string& name) {
  std::unique_ptr<WorkerProcess> worker;
  {
    std::scoped_lock lock(mutex_);
    auto found = workers_.find(name);
    if (found == workers_.end()) return;
    worker = std::move(found->second);
    workers_.erase(found);
  }
}

}  // namespace bemi::supervise
