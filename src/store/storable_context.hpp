// SPDX-License-Identifier: LGPL-3.0-or-later
//
// StorableContexts: contexts as a destination stores them whose encoding is not UTF8. It may lack a
// character, and jsonb refuses the escape of one that it lacks (SQL_ASCII: of any beyond ASCII);
// a message of the application must not cost the change that it stands before.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "change/change.hpp"
#include "pg/known_characters.hpp"

namespace bemi::store {

// The same JSON object, each character beyond ASCII as itself, be it written as an escape. One that
// the encoding lacks becomes the text of its escape, "\\u2603", and the object gets the member
// "_bemi": {"escaped": true}. \pre `context` is a JSON object that jsonb takes, without that key.
std::string storable_context(std::string_view context, const pg::KnownCharacters& known);

class StorableContexts {
 public:
  // Runs a transaction: \pre none is open.
  static base::Result<StorableContexts> of(pg::Connection& destination);
  StorableContexts() = default;  // all are storable as they are
  explicit StorableContexts(std::shared_ptr<const pg::KnownCharacters> known)
      : known_(std::move(known)) {}

  // Call with each batch in order.
  void fit(change::Batch& batch);

 private:
  std::shared_ptr<const std::string> fitted(const change::Batch& batch, std::string_view context);

  std::shared_ptr<const pg::KnownCharacters> known_;
  // The last large one (change::Batch::shared), and what it became: it may come again.
  std::shared_ptr<const std::string> large_;
  std::shared_ptr<const std::string> large_fitted_;
};

}  // namespace bemi::store
