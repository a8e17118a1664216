// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Webhooks: saved filters whose new changes are sent to an address, in `_bemi.webhook`. Each keeps
// how far it was sent, so that nothing is left out over restarts; what is sent twice has the same
// webhook-id. Safe for many threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "query/destination.hpp"
#include "query/feed.hpp"
#include "secret/box.hpp"

namespace bemi::deliver {

struct NewWebhook {
  std::string name;
  std::string url;
  std::string filter;  // JSON, as the API takes it
  bool is_enabled = true;
  bool renews_secret = false;
  std::string created_by;
};

// One whose turn it is.
struct DueWebhook {
  std::string name;
  std::string url;
  std::string filter;
  std::string secret;
  query::Seen seen;
  int failures = 0;
  // Number of changes that were sent but not accepted. The same ones are sent again, whatever came
  // since.
  std::int64_t pending = 0;
};

// The outcome of one attempt.
struct Delivery {
  bool is_taken = false;
  int status = 0;       // of HTTP; 0: nobody answered
  std::string problem;  // when it was not taken
};

class Webhooks {
 public:
  // `box` null: none can be made, and none is sent.
  Webhooks(query::Destination& destination, const secret::Box* box)
      : destination_(&destination), box_(box) {}

  // [{"name", "url", "filter", "enabled", "delivered", ...}]
  base::Result<std::string> list();
  // The secret that signs, when it was made now: to be shown once. Begins with what comes from now
  // on.
  base::Result<std::optional<std::string>> set(const NewWebhook& wanted);
  base::Result<bool> remove(const std::string& name);
  base::Result<std::optional<DueWebhook>> one(const std::string& name);

  base::Result<std::vector<DueWebhook>> due();
  base::Status note_delivery(const DueWebhook& webhook, const Delivery& delivery,
                             std::size_t changes, const query::Seen& seen);
  // Nothing up to here matched.
  base::Status note_seen(const std::string& name, const query::Seen& seen);

 private:
  base::Result<std::vector<DueWebhook>> read(const pg::Rows& rows);

  query::Destination* destination_;
  const secret::Box* box_;
};

}  // namespace bemi::deliver
