// SPDX-License-Identifier: LGPL-3.0-or-later
//
// LiveEnd: the source as who walks back from its rows of now needs it.
#pragma once

#include <optional>
#include <string>

#include "cli/config.hpp"
#include "query/walk_back.hpp"

namespace cli {

class LiveEnd {
 public:
  // `history` must outlive it. Error when the source cannot be reached, or is not the one that the
  // history is of. `source_name`: its name there, or empty.
  static base::Result<LiveEnd> open(const Config& config, pg::Connection& history,
                                    const std::string& source_name);

  pg::Connection& connection() { return reader_; }
  query::LiveSide side();

 private:
  LiveEnd(pg::Connection reader, pg::Connection fence, pg::Connection& history, std::string name,
          change::Selection selection)
      : reader_(std::move(reader)),
        fence_(std::move(fence)),
        history_(&history),
        name_(std::move(name)),
        selection_(std::move(selection)) {}

  pg::Connection reader_;
  pg::Connection fence_;
  pg::Connection* history_;
  std::string name_;
  change::Selection selection_;
};

}  // namespace cli
