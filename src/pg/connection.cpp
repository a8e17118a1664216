// SPDX-License-Identifier: LGPL-3.0-or-later
#include "pg/connection.hpp"

#include <libpq-fe.h>

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/assert.hpp"
#include "base/json.hpp"
#include "base/number.hpp"
#include "pg/address.hpp"
#include "pg/foreign.hpp"
#include "pg/server_error.hpp"
#include "pg/stored_text.hpp"
#include "pg/wait.hpp"

namespace bemi::pg {
namespace {

// Connection options win over role and database settings, so that a value's text is the same
// whatever the server's owner has set.
constexpr std::string_view session_options =
    "-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 "
    "-c bytea_output=hex -c lc_monetary=C -c quote_all_identifiers=off "
    "-c client_encoding=UTF8 -c standard_conforming_strings=on -c statement_timeout=0 "
    "-c idle_in_transaction_session_timeout=0 -c constraint_exclusion=partition "
    "-c lock_timeout=0 -c default_transaction_isolation=read\\ committed "
    "-c default_transaction_deferrable=off -c xmloption=content -c array_nulls=on "
    "-c transform_null_equals=off -c exit_on_error=off "
    // It compiles the conditions of each partition anew, for longer than any of our questions
    // takes.
    "-c jit=off "
    // A worker whose machine is gone must not hold its lock and its slot until the server notices
    // by itself, hours later.
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3";

// Settings that not every version has, and one that may already be stricter than we need. A commit
// that is not on disk when it is acknowledged could be lost after the slot has moved on.
constexpr const char* settle_session = R"(
select pg_catalog.set_config(s.name, '0', false)
from (values ('transaction_timeout'), ('idle_session_timeout')) s (name)
where pg_catalog.current_setting(s.name, true) operator(pg_catalog.<>) '0'
union all
select pg_catalog.set_config('synchronous_commit', 'on', false)
where pg_catalog.current_setting('synchronous_commit') operator(pg_catalog.=) 'off')";

// Adds our defaults, which the URL may override, and the settings that nobody may.
void complete(Address& options, const ConnectionSettings& settings) {
  options.emplace("connect_timeout", "10");
  options.emplace("keepalives_idle", "15");
  options.emplace("keepalives_interval", "5");
  options.emplace("keepalives_count", "3");
  options.emplace("tcp_user_timeout", "30000");
  options["application_name"] = settings.purpose;
  std::string& session = options["options"];
  if (!session.empty()) session += ' ';
  session += session_options;
  if (!settings.keep_search_path) session += " -c search_path=pg_catalog";
  if (settings.read_only) session += " -c default_transaction_read_only=on";
  if (settings.replication) options["replication"] = "database";
}

base::Error open_error(PGconn* connection, bool replication) {
  Refusal refused = refusal_in(PQerrorMessage(connection));
  if (PQconnectionNeedsPassword(connection) != 0) refused.sqlstate = "28P01";
  return refusal_error(refused, replication);
}

}  // namespace

void Connection::Finish::operator()(PGconn* connection) const { PQfinish(connection); }

Connection::Connection(std::unique_ptr<PGconn, Finish> connection,
                       const ConnectionSettings& settings)
    : connection_(std::move(connection)),
      interrupt_(settings.interrupt),
      cancels_(settings.cancels) {}
Connection::Connection(Connection&&) noexcept = default;
Connection& Connection::operator=(Connection&&) noexcept = default;
Connection::~Connection() = default;

namespace {

// The limit is for the whole attempt, so that it also ends for a server that answers byte by byte
// or asks for the password again and again. A URL may name several hosts, and each of them may take
// its time.
base::Result<PostgresPollingStatusType> finish_opening(PGconn* connection,
                                                       std::chrono::seconds for_each,
                                                       const base::Interrupt* interrupt) {
  using std::chrono::steady_clock;
  constexpr int hosts_at_most = 6;
  auto deadline = steady_clock::now() + hosts_at_most * for_each;
  auto state =
      PQstatus(connection) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED) {
    TRY_ASSIGN(Ready ready, wait({.socket = PQsocket(connection),
                                  .for_write = state == PGRES_POLLING_WRITING,
                                  .interrupt = interrupt,
                                  .timeout = for_each}));
    if (ready == Ready::timeout || steady_clock::now() > deadline) {
      return base::fail(base::ErrorKind::connection, "the server does not answer",
                        "check host and port, and firewalls on the way");
    }
    state = PQconnectPoll(connection);
  }
  return state;
}

// Every text of an answer, in place.
void convert(PGresult* rows, const StoredText& stored) {
  for (int row = 0; row < PQntuples(rows); ++row) {
    for (int column = 0; column < PQnfields(rows); ++column) {
      std::string_view text(PQgetvalue(rows, row, column),
                            static_cast<std::size_t>(PQgetlength(rows, row, column)));
      if (base::is_ascii(text)) continue;
      std::string converted = stored.to_utf8(text);
      // It fails where memory ends alone; then the text stays as it was.
      PQsetvalue(rows, row, column, converted.data(), static_cast<int>(converted.size()));
    }
  }
}

void convert(base::Error& error, const StoredText& stored) {
  for (std::string* text : {&error.message, &error.hint, &error.detail}) {
    *text = stored.to_utf8(*text);
  }
}

base::Error lacks_character(const std::string& encoding) {
  return {base::ErrorKind::rejected,
          "the database's encoding, " + encoding + ", does not have every character of this text",
          {},
          {}};
}

}  // namespace

base::Result<Connection> Connection::open(const ConnectionSettings& settings) {
  TRY_ASSIGN(Address options, parse_address(settings.url));
  complete(options, settings);
  // One text: libpq would treat separate empty values as not given.
  std::string whole = as_keywords(options);
  std::array<const char*, 2> keys{"dbname", nullptr};
  std::array<const char*, 2> values{whole.c_str(), nullptr};
  std::unique_ptr<PGconn, Finish> connection(
      PQconnectStartParams(keys.data(), values.data(), /*expand_dbname=*/1));
  ASSERT(connection != nullptr);
  PGconn* raw = connection.get();
  PQsetErrorVerbosity(raw, PQERRORS_VERBOSE);  // a refusal tells its SQLSTATE then
  std::chrono::seconds connect_timeout{
      base::parse_number<int>(options["connect_timeout"]).value_or(10)};
  TRY_ASSIGN(auto state, finish_opening(raw, connect_timeout, settings.interrupt));
  if (state == PGRES_POLLING_FAILED) {
    return std::unexpected(open_error(raw, settings.replication));
  }
  PQsetErrorVerbosity(raw, PQERRORS_DEFAULT);
  PQsetnonblocking(raw, 1);
  // Notices are for people at a prompt.
  PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
  Connection opened(std::move(connection), settings);
  TRY(opened.run(settle_session));
  if (settings.stored_text) TRY(opened.take_text_as_stored());
  return opened;
}

base::Status Connection::take_text_as_stored() {
  std::string encoding = server_encoding();
  if (!StoredText::takes_any_byte(encoding)) return {};
  TRY_ASSIGN(auto stored, StoredText::of(*this));
  TRY(run("set client_encoding to " + quote_literal(encoding)));
  stored_ = std::move(stored);
  return {};
}

// Encodes a statement or a parameter, which are UTF-8 here.
base::Result<std::string> Connection::as_stored(const std::string& text) const {
  if (stored_ == nullptr || base::is_ascii(text)) return text;
  if (auto stored = stored_->from_utf8(text)) return std::move(*stored);
  return std::unexpected(lacks_character(server_encoding()));
}

base::Result<std::string> Connection::encrypt_password(const std::string& role,
                                                       const std::string& password) {
  // Asking the server for its algorithm is a query of libpq's own, which waits.
  TRY_ASSIGN(Rows algorithm, run("show password_encryption"));
  bool is_md5 = algorithm.text(0, 0) == "md5";
  char* made = PQencryptPasswordConn(connection_.get(), password.c_str(), role.c_str(),
                                     is_md5 ? "md5" : "scram-sha-256");
  if (made == nullptr) return std::unexpected(connection_error());
  std::string encrypted = made;
  PQfreemem(made);
  return encrypted;
}

base::Error Connection::connection_error() const {
  std::string message = PQerrorMessage(connection_.get());
  while (!message.empty() && message.back() == '\n') message.pop_back();
  return {base::ErrorKind::connection,
          message.empty() ? "the server closed the connection" : message,
          {},
          {}};
}

base::Status Connection::wait_for_server(bool for_write) {
  auto ready = wait(
      {.socket = PQsocket(connection_.get()), .for_write = for_write, .interrupt = interrupt_});
  if (ready) return {};
  if (cancels_ && ready.error().kind == base::ErrorKind::interrupted) cancel();
  return std::unexpected(ready.error());
}

base::Status Connection::flush() {
  while (true) {
    int left = PQflush(connection_.get());
    if (left == 0) return {};
    if (left < 0) return std::unexpected(connection_error());
    TRY(wait_for_server(/*for_write=*/true));
    // A server that is sending an error stops reading: take its words or both sides wait for ever.
    if (PQconsumeInput(connection_.get()) == 0) return std::unexpected(connection_error());
  }
}

base::Result<PGresult*> Connection::next_result() {
  TRY(flush());
  while (PQisBusy(connection_.get()) != 0) {
    TRY(wait_for_server());
    if (PQconsumeInput(connection_.get()) == 0) return std::unexpected(connection_error());
  }
  return PQgetResult(connection_.get());
}

base::Status Connection::drain() {
  while (true) {
    TRY_ASSIGN(PGresult * result, next_result());
    if (result == nullptr) return {};
    PQclear(result);
  }
}

// Takes every result of what was sent: the first error, else the last rows.
base::Result<Rows> Connection::collect() {
  std::optional<Rows> last;
  while (true) {
    TRY_ASSIGN(PGresult * result, next_result());
    if (result == nullptr) break;
    Rows rows(result);
    ExecStatusType status = PQresultStatus(result);
    bool copying = status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && !copying) {
      base::Error error = server_error(result);
      if (stored_) convert(error, *stored_);
      TRY(drain());
      return std::unexpected(std::move(error));
    }
    if (stored_) convert(result, *stored_);
    last = std::move(rows);
    if (copying) break;
  }
  if (!last) return std::unexpected(connection_error());
  return std::move(*last);
}

base::Result<Rows> Connection::run(const std::string& sql) {
  TRY_ASSIGN(std::string stored, as_stored(sql));
  if (PQsendQuery(connection_.get(), stored.c_str()) == 0) {
    return std::unexpected(connection_error());
  }
  return collect();
}

base::Result<Rows> Connection::query(const std::string& sql,
                                     std::span<const Parameter> parameters) {
  TRY_ASSIGN(std::string statement, as_stored(sql));
  std::vector<std::string> texts(parameters.size());
  std::vector<const char*> values(parameters.size(), nullptr);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (!parameters[i]) continue;
    values[i] = parameters[i]->c_str();
    if (stored_ == nullptr) continue;
    TRY_ASSIGN(texts[i], as_stored(*parameters[i]));
    values[i] = texts[i].c_str();
  }
  int sent =
      PQsendQueryParams(connection_.get(), statement.c_str(), static_cast<int>(values.size()),
                        nullptr, values.data(), nullptr, nullptr, 0);
  if (sent == 0) return std::unexpected(connection_error());
  return collect();
}

base::Result<Rows> Connection::query(const std::string& sql,
                                     std::initializer_list<Parameter> parameters) {
  return query(sql, std::span<const Parameter>(parameters.begin(), parameters.size()));
}

base::Result<CopyIn> Connection::copy_in(const std::string& sql) {
  TRY(run(sql));
  return CopyIn(*this);
}

base::Result<CopyOut> Connection::copy_out(const std::string& sql) {
  TRY(run(sql));
  return CopyOut(*this);
}

void Connection::cancel() {
  std::unique_ptr<PGcancel, decltype([](PGcancel* request) { PQfreeCancel(request); })> request(
      PQgetCancel(connection_.get()));
  std::array<char, 256> ignored{};
  if (request) PQcancel(request.get(), ignored.data(), ignored.size());
}

int Connection::server_version() const { return PQserverVersion(connection_.get()); }

std::string Connection::host() const {
  return std::string(PQhost(connection_.get())) + ":" + PQport(connection_.get());
}

std::string Connection::user() const { return PQuser(connection_.get()); }

std::string Connection::database() const { return PQdb(connection_.get()); }
std::string Connection::server_encoding() const {
  const char* encoding = PQparameterStatus(connection_.get(), "server_encoding");
  return encoding == nullptr ? "" : encoding;
}

CopyIn::CopyIn(CopyIn&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}

CopyIn::~CopyIn() {
  if (connection_ == nullptr) return;
  PQputCopyEnd(connection_->connection_.get(), "abandoned");
  [[maybe_unused]] auto ignored = connection_->drain();
}

base::Status CopyIn::send(std::string_view bytes) {
  std::string converted;
  if (const auto& stored = connection_->stored_; stored != nullptr && !base::is_ascii(bytes)) {
    auto value = stored->value_from_utf8(bytes);
    if (!value) return std::unexpected(lacks_character(connection_->server_encoding()));
    converted = std::move(*value);
    bytes = converted;
  }
  int queued =
      PQputCopyData(connection_->connection_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (queued != 1) return std::unexpected(connection_->connection_error());
  return connection_->flush();
}

base::Result<Rows> CopyIn::finish() {
  Connection* connection = std::exchange(connection_, nullptr);
  if (PQputCopyEnd(connection->connection_.get(), nullptr) != 1) {
    return std::unexpected(connection->connection_error());
  }
  return connection->collect();
}

CopyOut::CopyOut(CopyOut&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      row_(std::exchange(other.row_, nullptr)) {}

CopyOut::~CopyOut() {
  PQfreemem(row_);
  if (connection_ == nullptr) return;
  // Left half-way: the rest of an unbounded answer is not worth reading.
  connection_->connection_.reset();
}

std::string_view CopyOut::as_utf8(std::string_view row) {
  const auto& stored = connection_->stored_;
  if (stored == nullptr || base::is_ascii(row)) return row;
  converted_ = stored->value_to_utf8(row);
  return converted_;
}

base::Result<std::optional<std::string_view>> CopyOut::next() {
  PGconn* raw = connection_->connection_.get();
  PQfreemem(std::exchange(row_, nullptr));
  while (true) {
    int length = PQgetCopyData(raw, &row_, 1);
    if (length > 0) return as_utf8({row_, static_cast<std::size_t>(length) - 1});
    if (length < -1) return std::unexpected(connection_->connection_error());
    if (length == -1) {
      TRY(std::exchange(connection_, nullptr)->collect());
      return std::nullopt;
    }
    TRY(connection_->wait_for_server());
    if (PQconsumeInput(raw) == 0) return std::unexpected(connection_->connection_error());
  }
}

namespace {

std::string quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (char c : text) {
    if (c == quote) out.push_back(c);
    out.push_back(c);
  }
  out.push_back(quote);
  return out;
}

}  // namespace

base::Result<std::string> url_with_login(const std::string& url, const Login& login) {
  TRY_ASSIGN(Address options, parse_address(url));
  for (const char* own : {"passfile", "service", "sslcert", "sslkey", "sslpassword"}) {
    // One that is there to be not found keeps our own away.
    if (auto found = options.find(own); found != options.end() && found->second != no_file) {
      options.erase(found);
    }
  }
  options["user"] = login.user;
  options["password"] = login.password;
  options["dbname"] = login.database;
  return as_keywords(options);
}

base::Result<std::string> url_in_database(const std::string& url, const std::string& database) {
  TRY_ASSIGN(Address options, parse_address(url));
  options["dbname"] = database;
  return as_keywords(options);
}

std::string begin_ddl(std::chrono::seconds lock_timeout) {
  return fmt::format(
      "begin; set local lock_timeout = '{}s'; set local search_path = pg_catalog, public;",
      lock_timeout.count());
}

std::string quote_identifier(std::string_view name) { return quoted(name, '"'); }

std::string quote_name(std::string_view schema, std::string_view name) {
  return quote_identifier(schema) + "." + quote_identifier(name);
}

std::string quote_literal(std::string_view text) {
  // E'' when a backslash is in it: right whatever standard_conforming_strings says.
  if (text.find('\\') == std::string_view::npos) return quoted(text, '\'');
  std::string doubled;
  for (char c : text) {
    if (c == '\\') doubled.push_back(c);
    doubled.push_back(c);
  }
  return "E" + quoted(doubled, '\'');
}

}  // namespace bemi::pg
