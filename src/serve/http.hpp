// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Request and Response as plain values: what handlers see of HTTP, with no socket in it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace bemi::deliver {
class Subscription;
}

namespace bemi::serve {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;  // decoded
  Pairs query;       // decoded, in order
  Pairs headers;     // names in lower case
  std::string body;
  std::string peer;  // the address that connected
  bool is_http_1_0 = false;

  // The first of several; distinguishes absent from empty.
  [[nodiscard]] std::optional<std::string> parameter(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> parameters(std::string_view name) const;
  // The first of several lines; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view lower_case_name) const;
  // The last of several lines: the one that the nearest proxy added.
  [[nodiscard]] std::string_view last_header(std::string_view lower_case_name) const;
  [[nodiscard]] std::size_t header_lines(std::string_view lower_case_name) const;
  [[nodiscard]] std::string cookie(std::string_view name) const;
};

// A body made piece by piece while it is sent: the next piece is asked for when the last one left,
// so a slow reader costs no memory and no database connection.
class Download {
 public:
  virtual ~Download() = default;
  // nullopt at the end. Runs on a thread that may wait for the database.
  virtual base::Result<std::optional<std::string>> next() = 0;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::optional<std::string_view> embedded;  // in place of `body`, of the program's lifetime
  Pairs headers;
  std::unique_ptr<Download> download;               // in place of `body`
  std::shared_ptr<deliver::Subscription> events{};  // in place of `body`: a stream without an end
};

// Splits a request's target. Error of kind usage when it is not one.
base::Status read_target(std::string_view target, Request& request);

}  // namespace bemi::serve
