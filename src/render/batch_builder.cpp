// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/batch_builder.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"

namespace bemi::render {

std::string_view BatchBuilder::keep_copy(std::string_view bytes) {
  if (bytes.empty()) return {};
  auto& memory = batch_.memory;
  if (memory.empty() || memory.back()->capacity() - memory.back()->size() < bytes.size()) {
    // A block never grows: growing would move what the views point to.
    memory.push_back(std::make_unique<std::string>());
    memory.back()->reserve(std::max(next_block_bytes_, bytes.size()));
    next_block_bytes_ = std::min(next_block_bytes_ * 4, base::limits::batch_bytes_target);
  }
  std::string& block = *memory.back();
  std::size_t at = block.size();
  block.append(bytes);
  batch_.bytes += bytes.size();
  return std::string_view(block).substr(at);
}

std::string_view BatchBuilder::keep(std::string& bytes) {
  if (bytes.size() < base::limits::batch_bytes_target) return keep_copy(bytes);
  // The block that was moved in is full, so the next one starts fresh.
  batch_.bytes += bytes.size();
  batch_.memory.push_back(std::make_unique<std::string>(std::exchange(bytes, {})));
  return *batch_.memory.back();
}

std::optional<std::string_view> BatchBuilder::kept_context(std::uint64_t number) {
  if (context_number_ != number) return std::nullopt;
  if (context_.empty() && large_context_) {
    batch_.shared.push_back(large_context_);
    context_ = *large_context_;
  }
  return context_.empty() ? std::nullopt : std::optional(context_);
}

std::string_view BatchBuilder::keep_context(std::string_view bytes, std::uint64_t number) {
  context_number_ = number;
  if (bytes.size() <= base::limits::context_whole_bytes_max) {
    large_context_.reset();
    if (bytes != context_) context_ = keep_copy(bytes);
    return context_;
  }
  if (!large_context_ || *large_context_ != bytes) {
    large_context_ = std::make_shared<const std::string>(bytes);
    batch_.bytes += bytes.size();
  }
  batch_.shared.push_back(large_context_);
  context_ = *large_context_;
  return context_;
}

bool BatchBuilder::full() const {
  std::size_t changes_bytes = batch_.changes.size() * sizeof(change::Change);
  return batch_.bytes + changes_bytes >= base::limits::batch_bytes_target;
}

bool BatchBuilder::empty() const {
  return batch_.changes.empty() && batch_.described.empty() && batch_.covered.empty() &&
         batch_.parked.empty() && !batch_.refused.any() && batch_.context_sessions.empty() &&
         batch_.context_faults.empty();
}

change::Batch BatchBuilder::take(bool last) {
  change::Batch taken = std::move(batch_);
  taken.bytes += taken.changes.size() * sizeof(change::Change) + sizeof(change::Batch);
  taken.last = last;
  batch_ = {};
  batch_.transaction = taken.transaction;
  context_ = {};
  return taken;
}

}  // namespace bemi::render
