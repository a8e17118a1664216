// SPDX-License-Identifier: LGPL-3.0-or-later
//
// One POST to an address somewhere, over TLS where it says https: of whom OpenSSL trusts, which
// SSL_CERT_FILE and SSL_CERT_DIR say. Waits at most `http_client_max`.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "deliver/reachable.hpp"

namespace bemi::deliver {

using Headers = std::vector<std::pair<std::string, std::string>>;

// The status. Follows no redirection. Error of kind connection: nobody answered in time, whatever
// the cause, since it would tell what else is there (our log says it); interrupted: `stop` was
// asked for; usage: not such an address; permission: not one that is `reachable`.
base::Result<int> post(std::string_view url, const Headers& headers, const std::string& body,
                       const Reachable& reachable, const std::stop_token& stop);

}  // namespace bemi::deliver
