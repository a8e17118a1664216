// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/source_undo.hpp"

#include "host/revert_ends.hpp"

namespace bemi::host {
namespace {

// A person waits for the answer.
constexpr int catch_up_timeout_s = 30;

}  // namespace

template <class T>
base::Result<T> SourceUndo::with_ends(
    const std::function<base::Result<T>(const revert::Ends&)>& act) {
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock) {
    return base::fail(base::ErrorKind::conflict, "something else is being undone right now",
                      "ask again when it is done");
  }
  TRY_ASSIGN(auto opened,
             RevertEnds::open(config_, catch_up_timeout_s, *stop_, Access::read_write));
  revert::Ends ends = opened->ends();
  ends.progress = [](const revert::Progress&) {};
  return act(ends);
}

base::Result<revert::Plan> SourceUndo::plan(const revert::Request& request) {
  return with_ends<revert::Plan>(
      [&](const revert::Ends& ends) { return revert::plan(ends, request); });
}

base::Result<revert::Outcome> SourceUndo::apply(const revert::Request& request,
                                                const std::string& digest) {
  return with_ends<revert::Outcome>(
      [&](const revert::Ends& ends) { return revert::apply(ends, request, digest); });
}

base::Result<revert::Mark> SourceUndo::create_mark(const revert::NewMark& wanted) {
  return with_ends<revert::Mark>(
      [&](const revert::Ends& ends) { return revert::create_mark(ends, wanted); });
}

base::Result<revert::Outcome> SourceUndo::roll_back(const std::string& mark, bool force,
                                                    const std::string& actor) {
  return with_ends<revert::Outcome>(
      [&](const revert::Ends& ends) { return revert::roll_back(ends, mark, force, actor); });
}

base::Result<revert::Outcome> SourceUndo::roll_forward(const std::string& mark,
                                                       const std::string& actor) {
  return with_ends<revert::Outcome>(
      [&](const revert::Ends& ends) { return revert::roll_forward(ends, mark, actor); });
}

base::Status SourceUndo::delete_mark(const std::string& mark, bool force) {
  return with_ends<void>(
      [&](const revert::Ends& ends) { return revert::delete_mark(ends, mark, force); });
}

}  // namespace bemi::host
