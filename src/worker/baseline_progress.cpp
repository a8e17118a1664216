// SPDX-License-Identifier: LGPL-3.0-or-later
#include "worker/baseline_progress.hpp"

#include <algorithm>

#include "base/log.hpp"

namespace bemi::worker {
namespace {

constexpr auto told_every = std::chrono::seconds(2);
constexpr std::int64_t bar_width = 20;

}  // namespace

void BaselineProgress::add(std::int64_t blocks, std::int64_t rows, const std::string& table) {
  blocks_done_ += blocks;
  rows_ += rows;
  auto now = Clock::now();
  if (now - told_at_ < told_every || blocks_done_ == 0) return;
  told_at_ = now;
  std::int64_t total = std::max(blocks_, blocks_done_);
  auto filled = static_cast<std::size_t>(bar_width * blocks_done_ / total);
  std::string bar = std::string(filled, '#') + std::string(bar_width - filled, '.');
  auto passed = std::chrono::duration_cast<std::chrono::seconds>(now - began_).count();
  base::log::info("baseline [{}] {} %, {} rows, about {} s left, in {}", bar,
                  100 * blocks_done_ / total, rows_, passed * (total - blocks_done_) / blocks_done_,
                  table);
}

}  // namespace bemi::worker
