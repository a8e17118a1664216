// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Connection: one session with a PostgreSQL server. Every wait also watches the interrupt, so a
// stuck server never keeps the program from stopping. Move-only; not for two threads at once.
// The session has the settings that Bemi's value fidelity rests on (session_options below).
#pragma once

#include <chrono>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/interrupt.hpp"
#include "base/result.hpp"
#include "pg/rows.hpp"

typedef struct pg_conn PGconn;

namespace bemi::pg {

using Parameter = std::optional<std::string>;  // nullopt is SQL NULL

inline Parameter boolean(bool value) { return value ? "true" : "false"; }

struct ConnectionSettings {
  std::string url;           // anything libpq takes: URL, keywords, service; may be empty
  std::string purpose;       // shown as application_name: "bemi/store"
  bool replication = false;  // a walsender session: START_REPLICATION and its kin
  bool read_only = false;    // for the reading commands: nothing they run can write
  // Keeps the role's own search_path, which triggers of the application's tables need.
  bool keep_search_path = false;
  const base::Interrupt* interrupt = nullptr;  // must outlive the connection
  // The interrupt also makes the server give up what is waited for: it would not notice before it
  // has something to send. Asks over a connection of its own, and waits for that.
  bool cancels = false;
  // Text of a database that stores any byte comes as it is stored and is converted here: the server
  // would refuse to send a byte that is no character (pg/stored_text). In a name it is a character
  // of the private use area, in a row of a CopyOut it makes the row invalid UTF-8.
  bool stored_text = false;
};

class CopyIn;
class StoredText;
class CopyOut;

class Connection {
 public:
  // Errors: connection, authentication, interrupted; a message never holds the password.
  static base::Result<Connection> open(const ConnectionSettings& settings);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  // Statements of the simple protocol: one, or several separated by semicolons (the last one's
  // rows are returned).
  base::Result<Rows> run(const std::string& sql);
  // One statement with $1, $2, ... given as text.
  base::Result<Rows> query(const std::string& sql, std::span<const Parameter> parameters);
  base::Result<Rows> query(const std::string& sql, std::initializer_list<Parameter> parameters);

  // Starts COPY ... FROM STDIN; statements before it may be joined with semicolons.
  base::Result<CopyIn> copy_in(const std::string& sql);
  base::Result<CopyOut> copy_out(const std::string& sql);

  // The password's verifier for CREATE ROLE, made here: the server's log never sees the password.
  base::Result<std::string> encrypt_password(const std::string& role, const std::string& password);

  [[nodiscard]] int server_version() const;  // 150004 for 15.4
  [[nodiscard]] std::string host() const;    // for messages: "db.example:5432"
  [[nodiscard]] std::string user() const;
  [[nodiscard]] std::string database() const;
  [[nodiscard]] std::string server_encoding() const;  // "UTF8"; of the database
  // The encoding of text that this connection takes as it is stored; null: all text is UTF-8.
  [[nodiscard]] const std::shared_ptr<const StoredText>& stored_text() const { return stored_; }
  // The interrupt that ends this connection's waits; null: none does.
  [[nodiscard]] const base::Interrupt* interrupt() const { return interrupt_; }

 private:
  friend class CopyIn;
  friend class CopyOut;
  friend class ReplicationStream;
  struct Finish {
    void operator()(PGconn* connection) const;
  };
  Connection(std::unique_ptr<PGconn, Finish> connection, const ConnectionSettings& settings);

  base::Status wait_for_server(bool for_write = false);
  void cancel();
  base::Status flush();
  base::Result<PGresult*> next_result();
  base::Result<Rows> collect();
  base::Status take_text_as_stored();
  base::Result<std::string> as_stored(const std::string& text) const;
  base::Status drain();
  [[nodiscard]] base::Error connection_error() const;

  std::unique_ptr<PGconn, Finish> connection_;
  const base::Interrupt* interrupt_;
  bool cancels_;
  std::shared_ptr<const StoredText> stored_;
};

// A COPY into the server under way. Unless finish() was called and succeeded, nothing is stored:
// the destructor makes the server throw it away.
class CopyIn {
 public:
  CopyIn(CopyIn&& other) noexcept;
  CopyIn& operator=(CopyIn&&) = delete;
  ~CopyIn();

  base::Status send(std::string_view bytes);  // whole characters; no names, only values
  base::Result<Rows> finish();

 private:
  friend class Connection;
  explicit CopyIn(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

// A COPY out of the server; rows in COPY's text format, one a call, without the newline.
class CopyOut {
 public:
  CopyOut(CopyOut&& other) noexcept;
  CopyOut& operator=(CopyOut&&) = delete;
  ~CopyOut();

  // The next row (valid until the next call), or nullopt at the end.
  base::Result<std::optional<std::string_view>> next();

 private:
  friend class Connection;
  explicit CopyOut(Connection& connection) : connection_(&connection) {}
  std::string_view as_utf8(std::string_view row);

  Connection* connection_;
  char* row_ = nullptr;
  std::string converted_;
};

// The same server, as somebody else and in another database: what belongs to the login of `url`
// (password, client certificate) is left behind.
struct Login {
  std::string user;
  std::string password;
  std::string database;
};
base::Result<std::string> url_with_login(const std::string& url, const Login& login);
base::Result<std::string> url_in_database(const std::string& url, const std::string& database);

// Statements that begin a transaction with DDL in it. An event trigger of the application runs in
// our session then, and many look for their own functions without naming a schema.
std::string begin_ddl(std::chrono::seconds lock_timeout);

std::string quote_identifier(std::string_view name);
std::string quote_name(std::string_view schema, std::string_view name);
std::string quote_literal(std::string_view text);

}  // namespace bemi::pg
