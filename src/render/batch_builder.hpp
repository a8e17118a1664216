// SPDX-License-Identifier: LGPL-3.0-or-later
//
// BatchBuilder: rendered changes into batches, each with the memory its views point into.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "change/change.hpp"

namespace bemi::render {

class BatchBuilder {
 public:
  explicit BatchBuilder(const change::Transaction& transaction) {
    batch_.transaction = transaction;
  }

  // Copies the bytes into the batch; the view is valid as long as the batch.
  std::string_view keep_copy(std::string_view bytes);
  // The same; a large text is taken over instead, and `bytes` is left empty.
  std::string_view keep(std::string& bytes);
  // Like keep_copy(), for texts that repeat from change to change, `number` by number
  // (stitch::Stitched). A large one is kept once for all batches.
  std::string_view keep_context(std::string_view bytes, std::uint64_t number);
  // The text of this number, if it was the last one to be kept.
  std::optional<std::string_view> kept_context(std::uint64_t number);
  void add(const change::Change& change) { batch_.changes.push_back(change); }
  void add_described(change::RelationPtr relation, std::uint32_t sequence) {
    batch_.described.push_back({std::move(relation), sequence});
  }
  void add_covered(change::Covered covered) { batch_.covered.push_back(std::move(covered)); }
  void add_parked(change::Parked parked) { batch_.parked.push_back(std::move(parked)); }
  void add_refused(const change::RefusedCounts& refused) { batch_.refused = refused; }
  void add_signatures(std::vector<change::ContextSession> sessions,
                      std::vector<change::ContextFault> faults) {
    batch_.context_sessions = std::move(sessions);
    batch_.context_faults = std::move(faults);
  }

  [[nodiscard]] const change::Transaction& transaction() const { return batch_.transaction; }
  [[nodiscard]] bool full() const;
  [[nodiscard]] bool empty() const;
  // The batch so far; the builder goes on with the next one of the same transaction.
  change::Batch take(bool last);

 private:
  change::Batch batch_;
  std::string_view context_;  // the last one; empty: not in this batch
  std::uint64_t context_number_ = 0;
  std::shared_ptr<const std::string> large_context_;
  std::size_t next_block_bytes_ = 1024;
};

}  // namespace bemi::render
