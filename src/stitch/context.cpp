// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/context.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include <nlohmann/json.hpp>

#include "base/json.hpp"
#include "base/limits.hpp"

namespace bemi::stitch {
namespace {

using base::ErrorKind;

// A run that belongs to more transactions than this is taken as alive.
constexpr std::size_t run_xids_max = 16;

constexpr std::string_view reserved_key = "_bemi";

// Only the worker stores anything under the reserved key.
bool spells_reserved_key(std::string_view object) {
  if (object.find("\\u") == std::string_view::npos) return false;
  return std::ranges::any_of(base::json_members(object), [](const auto& member) {
    if (!member.first.contains("\\u")) return false;
    return nlohmann::json::parse(member.first, nullptr, /*allow_exceptions=*/false) == reserved_key;
  });
}

void note(std::vector<std::uint32_t>& run, std::uint32_t xid) {
  if (run.size() > run_xids_max || std::ranges::find(run, xid) != run.end()) return;
  run.push_back(xid);
}

// An emitted message does not say which savepoint it belongs to (in a streamed block the server
// gives the top-level transaction): it goes with the changes it speaks of. When all of those were
// rolled back, so was it.
bool vanished(const std::vector<std::uint32_t>& run, const Xids& aborted) {
  if (run.empty() || run.size() > run_xids_max || aborted.empty()) return false;
  return std::ranges::all_of(run, [&](std::uint32_t xid) { return aborted.contains(xid); });
}

constexpr std::size_t head_bytes = 3;

// scope, mark, count of the run's transactions, these, the text
std::string pack(Scope scope, SignatureMark mark, const std::vector<std::uint32_t>& run,
                 std::string_view text) {
  std::string bytes;
  bytes.push_back(static_cast<char>(scope));
  bytes.push_back(static_cast<char>(mark));
  bytes.push_back(static_cast<char>(run.size()));
  bytes.append(reinterpret_cast<const char*>(run.data()), run.size() * sizeof(std::uint32_t));
  bytes.append(text);
  return bytes;
}

std::string_view unpack(std::string_view bytes, Scope& scope, SignatureMark& mark,
                        std::vector<std::uint32_t>& run) {
  scope = static_cast<Scope>(bytes[0]);
  mark = static_cast<SignatureMark>(bytes[1]);
  run.resize(static_cast<unsigned char>(bytes[2]));
  std::size_t run_bytes = run.size() * sizeof(std::uint32_t);
  if (run_bytes > 0) std::memcpy(run.data(), bytes.data() + head_bytes, run_bytes);
  return bytes.substr(head_bytes + run_bytes);
}

}  // namespace

base::Result<ContextMessage> read_context(std::string_view content) {
  if (content.size() > base::limits::context_bytes_max) {
    return base::fail(ErrorKind::limit, "larger than 1 MB");
  }
  base::JsonScan scan = base::scan_json_object(content, reserved_key);
  if (!scan.object) return base::fail(ErrorKind::malformed_message, "not a JSON object");
  if (!scan.fits_jsonb)
    return base::fail(ErrorKind::malformed_message, "contains a value that jsonb cannot hold");
  ContextMessage message{.reserved = {}, .text = std::string(content)};
  for (bool first = true; scan.member; first = false) {
    if (first) message.reserved = read_reserved(content, scan.member->value);
    message.text.erase(scan.member->begin, scan.member->end - scan.member->begin);
    scan = base::scan_json_object(message.text, reserved_key);
  }
  if (spells_reserved_key(message.text))
    return base::fail(ErrorKind::malformed_message, "spells a reserved key with escapes");
  return message;
}

base::Status Contexts::add(change::Lsn position, ContextMessage message) {
  settle(position);
  Message added{message.reserved.scope, changes_, std::move(message.text), message.mark};
  if (added.scope == Scope::transaction) {
    whole_ = std::move(added);
    return {};
  }
  TRY(close_run());
  open_ = std::move(added);
  return {};
}

// Takes over the changes that nothing from `position` on can stand before.
void Contexts::settle(change::Lsn position) {
  if (tail_changes_ == 0 || position <= tail_position_) return;
  changes_ += std::exchange(tail_changes_, 0);
  for (std::uint32_t xid : tail_) note(run_, xid);
  tail_.clear();
}

base::Status Contexts::note_change(change::Lsn position, std::uint32_t xid) {
  settle(position);
  tail_position_ = position;
  ++tail_changes_;
  note(tail_, xid);
  return {};
}

base::Status Contexts::note_message_change(change::Lsn position, std::uint32_t xid) {
  settle(position);
  ++changes_;
  note(run_, xid);
  return {};
}

// The run of changes since open_ has ended: now it is known what open_ speaks of.
base::Status Contexts::close_run() {
  if (open_) {
    const auto& spoken_of = open_->scope == Scope::previous ? run_before_ : run_;
    std::string bytes = pack(open_->scope, open_->mark, spoken_of, open_->text);
    TRY(spool_.append({.number = open_->number, .bytes = bytes}));
    open_.reset();
  }
  run_before_ = std::move(run_);
  run_.clear();
  return {};
}

base::Status Contexts::finish() {
  settle({std::numeric_limits<std::uint64_t>::max()});
  return close_run();
}

// Moves next_ to before_ and reads the one after it, passing over what was rolled back.
base::Status Contexts::advance(const Xids& aborted) {
  ++text_number_;
  if (next_ && next_->scope != Scope::previous) {
    before_ = std::move(next_);
  } else if (next_ && before_ && before_->scope == Scope::next) {
    before_.reset();  // it reached until the next message, and that was this one
  }
  next_.reset();
  while (true) {
    TRY_ASSIGN(std::optional<Record> record, spool_.next());
    if (!record) return {};
    Message message{.number = record->number};
    std::vector<std::uint32_t> run;
    std::string_view text = unpack(record->bytes, message.scope, message.mark, run);
    if (vanished(run, aborted)) continue;
    message.text = text;
    next_ = std::move(message);
    return {};
  }
}

base::Result<Contexts::Given> Contexts::of(std::uint32_t number, const Xids& aborted) {
  if (!std::exchange(started_, true)) TRY(advance(aborted));
  while (next_ && next_->number <= number) TRY(advance(aborted));
  if (next_ && next_->scope == Scope::previous) return next_->given();
  if (before_) return before_->given();
  if (whole_) return whole_->given();
  if (next_ && next_->scope == Scope::plain) return next_->given();
  return Given{.text = "{}"};
}

}  // namespace bemi::stitch
