// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The stream's text as UTF-8. From most databases it comes so, but for the contents of messages,
// which stand in the WAL in the database's encoding. From a database that stores any byte, all of
// it comes as it is stored (pg/stored_text), since no byte must end the stream.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pg/connection.hpp"
#include "pg/stored_text.hpp"

namespace bemi::render {

// nullopt: these are no bytes of the server's encoding.
using ToUtf8 = std::function<std::optional<std::string>(std::string_view)>;

// Recodes one stream, whose messages it takes in order.
class Recode {
 public:
  // Nothing is to be converted.
  Recode() = default;
  // `stored`: how the stream's text is stored; null: all but contents of messages is UTF-8.
  Recode(ToUtf8 to_utf8, std::shared_ptr<const pg::StoredText> stored)
      : to_utf8_(std::move(to_utf8)), stored_(std::move(stored)) {}
  // `source`: the server is asked, which knows its encodings best, where this connection's text is
  // not taken as stored; must outlive this. The stream's connection was opened alike.
  static Recode of(pg::Connection& source);

  // The message as UTF-8; nullopt when it is to stay as it is.
  std::optional<std::string> operator()(std::string_view payload);

 private:
  [[nodiscard]] std::optional<std::string> context(std::string_view payload) const;

  ToUtf8 to_utf8_;
  std::shared_ptr<const pg::StoredText> stored_;
  bool in_stream_ = false;
};

}  // namespace bemi::render
