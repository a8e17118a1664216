// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Durable: a position up to which everything is committed in the destination. Only the code that
// commits there can make one, and only one of these can be acknowledged to the source: confirming
// too early does not compile.
#pragma once

#include "change/lsn.hpp"

namespace bemi::store {
class Writer;
}

namespace bemi::change {

class Durable {
 public:
  [[nodiscard]] Lsn lsn() const { return lsn_; }

 private:
  friend class store::Writer;
  explicit Durable(Lsn lsn) : lsn_(lsn) {}
  Lsn lsn_;
};

}  // namespace bemi::change
