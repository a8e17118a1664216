// SPDX-License-Identifier: LGPL-3.0-or-later
//
// PrivatePostgres: a PostgreSQL server of our own in a folder, for `bemi dev`. It listens on
// loopback only, with a generated password that is kept in the folder's passfile.
// Stopped (fast shutdown) by the destructor.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/interrupt.hpp"
#include "base/result.hpp"

namespace bemi::host {

struct PrivatePostgresOptions {
  std::string directory;                       // made when it is not there
  std::string bindir;                          // of initdb and postgres; empty: searched
  int port = 0;                                // 0: the one used before, else a free one
  std::string database = "app";                // made when it is not there
  const base::Interrupt* interrupt = nullptr;  // ends the waits
};

class PrivatePostgres {
 public:
  // Errors: usage (no server programs found), internal (initdb or the start failed; the message
  // names the log).
  static base::Result<PrivatePostgres> start(const PrivatePostgresOptions& options);
  PrivatePostgres(PrivatePostgres&& other) noexcept;
  PrivatePostgres& operator=(PrivatePostgres&&) = delete;
  ~PrivatePostgres();

  // Without a secret: the password is in the passfile that the URL names.
  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& version() const { return version_; }

 private:
  PrivatePostgres() = default;
  pid_t pid_ = -1;
  std::string url_;
  std::string version_;
};

}  // namespace bemi::host
