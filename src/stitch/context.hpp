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
#include "stitch/context_verifier.hpp"
#include "stitch/signed_context.hpp"
#include "stitch/spool.hpp"

namespace bemi::stitch {

struct ContextMessage {
  ReservedMember reserved;
  std::string text;  // the JSON object without the reserved key
  SignatureMark mark = unsigned_mark;
};

// Error of kind limit or malformed_message when it cannot be stored; the reason is the message.
base::Result<ContextMessage> read_context(std::string_view content);

using Xids = std::unordered_set<std::uint32_t>;

// The messages of one transaction. While it is read: add() and note_change(), as they arrive. Then
// finish(), and of() for each change that survived, in order.
//
// A message's position is the end of its record, which is where the next record begins: the two
// are equal, and of different subtransactions the server hands out either first. A message stands
// before the changes of its own position, whichever came first.
class Contexts {
 public:
  explicit Contexts(SpoolBudget& budget) : spool_(budget) {}

  base::Status add(change::Lsn position, ContextMessage message);
  base::Status note_change(change::Lsn position, std::uint32_t xid);
  // A change that a message makes: it stands before the changes of its position.
  base::Status note_message_change(change::Lsn position, std::uint32_t xid);
  base::Status finish();

  struct Given {
    std::string_view text;  // valid until the next call
    SignatureMark mark = unsigned_mark;
  };
  // `number`: the change's own in the order of the WAL, counted from 0 over all that were noted.
  base::Result<Given> of(std::uint32_t number, const Xids& aborted);
  // While this number stays the same, of() returns the same text.
  [[nodiscard]] std::uint64_t text_number() const { return text_number_; }

 private:
  struct Message {
    Scope scope = Scope::plain;
    std::uint32_t number = 0;  // changes before it
    std::string text;
    SignatureMark mark = unsigned_mark;

    [[nodiscard]] Given given() const { return {text, mark}; }
  };
  base::Status close_run();
  void settle(change::Lsn position);
  base::Status advance(const Xids& aborted);

  Spool spool_;
  // While adding: the message whose run of changes is still growing, with the transactions that
  // the runs around it belong to.
  std::optional<Message> open_;
  std::vector<std::uint32_t> run_before_;
  std::vector<std::uint32_t> run_;
  std::uint32_t changes_ = 0;
  // The changes of the last position: a message before them may be yet to come.
  change::Lsn tail_position_;
  std::uint32_t tail_changes_ = 0;
  std::vector<std::uint32_t> tail_;
  std::optional<Message> whole_;  // the last message of scope transaction
  // While reading.
  std::optional<Message> before_;
  std::optional<Message> next_;
  bool started_ = false;
  std::uint64_t text_number_ = 0;
};

}  // namespace bemi::stitch
