// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/change.hpp"

namespace bemi::change {

std::string_view name(Operation operation) {
  switch (operation) {
    case Operation::create: return "CREATE";
    case Operation::update: return "UPDATE";
    case Operation::delete_: return "DELETE";
    case Operation::truncate: return "TRUNCATE";
    case Operation::snapshot: return "SNAPSHOT";
    case Operation::schema: return "SCHEMA";
  }
  return "";
}

std::string_view name(MessageKind kind) {
  switch (kind) {
    case MessageKind::context: return "context";
    case MessageKind::schema: return "schema";
    case MessageKind::other: return "message";
  }
  return "";
}

}  // namespace bemi::change
