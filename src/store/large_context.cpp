// SPDX-License-Identifier: LGPL-3.0-or-later
#include "store/large_context.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace bemi::store {
namespace {

std::string format(const Uuid& id) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < id.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text.push_back('-');
    auto byte = static_cast<unsigned>(id.at(i));
    text.push_back(digits[byte >> 4U]);
    text.push_back(digits[byte & 15U]);
  }
  return text;
}

// The smallest members first, as many as there is room for.
std::string small_part(std::string_view context, const Uuid& whole_is_at) {
  base::JsonMembers members = base::json_members(context);
  members.erase("\"_bemi\"");
  std::vector<std::pair<std::string_view, std::string_view>> kept(members.begin(), members.end());
  auto size = [](const auto& member) { return member.first.size() + member.second.size(); };
  std::ranges::sort(kept, [&](const auto& a, const auto& b) {
    return std::pair(size(a), a.first) < std::pair(size(b), b.first);
  });
  std::string text = "{";
  for (const auto& member : kept) {
    bool fits = size(member) <= base::limits::context_member_bytes_max &&
                text.size() + size(member) <= base::limits::context_small_bytes_max;
    if (!fits) break;
    text.append(member.first).append(":").append(member.second).append(",");
  }
  return text + "\"_bemi\":{\"context_of\":\"" + format(whole_is_at) + "\"}}";
}

}  // namespace

void LargeContexts::shrink(change::Batch& batch, const IdOf& id_of) {
  if (batch.shared.empty()) return;
  bool small_is_kept = false;
  for (change::Change& change : batch.changes) {
    if (change.context.size() <= base::limits::context_whole_bytes_max) continue;
    bool stored = whole_ && whole_->data() == change.context.data() &&
                  transaction_ == batch.transaction.commit_position;
    if (!stored) {
      auto shared = std::ranges::find_if(
          batch.shared, [&](const auto& text) { return text->data() == change.context.data(); });
      if (shared == batch.shared.end()) continue;
      whole_ = *shared;
      transaction_ = batch.transaction.commit_position;
      small_ = std::make_shared<const std::string>(small_part(*whole_, id_of(change)));
      small_is_kept = false;
      continue;
    }
    if (!std::exchange(small_is_kept, true)) batch.shared.push_back(small_);
    change.context = *small_;
  }
}

}  // namespace bemi::store
