// SPDX-License-Identifier: LGPL-3.0-or-later
//
// LargeContexts: one message with a megabyte of context can stand before any number of changes. It
// is stored whole with the first of them; the others keep its small members and say where the rest
// is (docs/adr/0005): {"user_id": 42, "_bemi": {"context_of": "<id of the first change>"}}.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "change/change.hpp"
#include "store/change_id.hpp"

namespace bemi::store {

class LargeContexts {
 public:
  using IdOf = std::function<Uuid(const change::Change&)>;
  // Call with each batch in order. \pre a large context points into batch.shared.
  void shrink(change::Batch& batch, const IdOf& id_of);

 private:
  change::Lsn transaction_;
  std::shared_ptr<const std::string> whole_;  // stored with a change of that transaction
  std::shared_ptr<const std::string> small_;  // what the others get
};

}  // namespace bemi::store
