// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Context messages: reading one, and the rule by which a change takes its context
// (golden examples: contracts/examples/context).
//
// A change takes the nearest message before it in its transaction; when there is none before it,
// the nearest one after it; when there is none at all, {}. A message may claim more in its
// reserved key: "previous" covers the changes since the preceding message, "next" those until
// the next one, "transaction" fills what is left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/result.hpp"
#include "stitch/spool.hpp"

namespace stitch {

enum class Scope : char { plain = '.', previous = 'p', next = 'n', transaction = 't' };

struct ContextMessage {
  Scope scope = Scope::plain;
  std::string text;  // the JSON object without the reserved key
};

// Error of kind limit or malformed_message when it cannot be stored; the reason is the message.
base::Result<ContextMessage> read_context(std::string_view content);

using Xids = std::unordered_set<std::uint32_t>;

// The messages of one transaction. While it is read: add() and change(), in order. Then finish(),
// and of() for each change that survived, in order.
class Contexts {
 public:
  explicit Contexts(SpoolBudget& budget) : spool_(budget) {}

  base::Status add(ContextMessage message);
  base::Status note_change(std::uint32_t xid);
  base::Status finish();

  // `number`: the change's own, counted from 0 over all that note_change() saw.
  // The view is valid until the next call.
  base::Result<std::string_view> of(std::uint32_t number, const Xids& aborted);

 private:
  struct Message {
    Scope scope = Scope::plain;
    std::uint32_t number = 0;  // changes before it
    std::string text;
  };
  base::Status close_run();
  base::Status advance(const Xids& aborted);

  Spool spool_;
  // While adding: the message whose run of changes is still growing, with the transactions that
  // the runs around it belong to.
  std::optional<Message> open_;
  std::vector<std::uint32_t> run_before_;
  std::vector<std::uint32_t> run_;
  std::uint32_t changes_ = 0;
  std::string whole_;  // the last message of scope transaction
  bool has_whole_ = false;
  // While reading.
  std::optional<Message> before_;
  std::optional<Message> next_;
  bool started_ = false;
};

}  // namespace stitch
