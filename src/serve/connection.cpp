// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/connection.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <optional>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include "serve/access.hpp"
#include "serve/assets.hpp"
#include "serve/event_stream.hpp"
#include "serve/hosts.hpp"
#include "serve/limits.hpp"
#include "serve/metrics.hpp"
#include "serve/problem.hpp"
#include "serve/router.hpp"

namespace bemi::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::awaitable;
using asio::ip::tcp;

constexpr auto no_throw = asio::as_tuple(asio::use_awaitable);

// Nothing is loaded from elsewhere, nothing runs that we have not served, nobody frames us.
constexpr const char* content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'";

// The group that a connection counts for: in IPv6 one client has many addresses.
std::string counted_as(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  if (address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

std::size_t connections_allowed() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) {
    return connections_max;
  }
  return std::clamp<std::size_t>(files.rlim_cur / share_of_files, 1, connections_max);
}

// Behind a proxy that is trusted are many.
bool has_room(const Load& load, const Services& services, const tcp::endpoint& peer) {
  std::size_t allowed = connections_allowed();
  if (load.connections >= allowed) return false;
  if (services.access->trusts(peer.address().to_string())) return true;
  auto found = load.by_address.find(counted_as(peer.address()));
  std::size_t share = std::max<std::size_t>(allowed / share_of_connections, 1);
  return found == load.by_address.end() || found->second < share;
}

// One connection of an address, also when its coroutine is destroyed half-way.
class CountedAddress {
 public:
  CountedAddress(Load& load, std::string address) : load_(&load), address_(std::move(address)) {
    ++load_->by_address[address_];
  }
  ~CountedAddress() {
    auto found = load_->by_address.find(address_);
    if (--found->second == 0) load_->by_address.erase(found);
  }
  CountedAddress(const CountedAddress&) = delete;
  CountedAddress& operator=(const CountedAddress&) = delete;

 private:
  Load* load_;
  std::string address_;
};

// Counts what is under way, also when a coroutine is destroyed half-way.
class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(&count) { ++*count_; }
  ~Counted() { --*count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t* count_;
};

// Bytes of an answer, until they have left. An answer without any of its own (an embedded page)
// leaves no entry, whose end another one would take for its own.
class Held {
 public:
  Held(Load& load, std::string client, std::size_t bytes)
      : load_(&load), client_(std::move(client)), bytes_(bytes) {
    if (bytes_ == 0) return;
    load_->bytes += bytes_;
    load_->bytes_by_client[client_] += bytes_;
  }
  ~Held() {
    if (bytes_ == 0) return;
    load_->bytes -= bytes_;
    auto found = load_->bytes_by_client.find(client_);
    found->second -= bytes_;
    if (found->second == 0) load_->bytes_by_client.erase(found);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  Load* load_;
  std::string client_;
  std::size_t bytes_;
};

Pairs headers_of(const http::request<http::string_body>& message) {
  Pairs headers;
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    headers.emplace_back(std::move(name), field.value());
  }
  return headers;
}

// `headers`: as they were before the body. What comes after its last chunk is no header: a proxy
// that replaces what others send of a user's name lets it pass.
base::Result<Request> read_request(const http::request<http::string_body>& message, Pairs headers,
                                   const tcp::endpoint& peer) {
  Request request;
  request.method = message.method_string();
  request.peer = peer.address().to_string();
  request.is_http_1_0 = message.version() < 11;
  request.headers = std::move(headers);
  request.body = message.body();
  TRY(read_target(message.target(), request));
  return request;
}

template <class Message>
void set_headers(Message& message, const Response& response, bool keep_alive) {
  message.result(static_cast<unsigned>(response.status));
  message.keep_alive(keep_alive);
  message.set(http::field::server, "bemi");
  if (!response.content_type.empty()) {
    message.set(http::field::content_type, response.content_type);
  }
  message.set("Content-Security-Policy", content_security_policy);
  message.set("X-Content-Type-Options", "nosniff");
  message.set("Referrer-Policy", "no-referrer");
  message.set("Cross-Origin-Opener-Policy", "same-origin");
  message.set("Cross-Origin-Resource-Policy", "same-origin");
  message.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : response.headers) message.set(name, value);
}

class Client {
 public:
  Client(tcp::socket socket, Pools pools, const Services& services, Load& load)
      : peer_(peer_of(socket)),
        stream_(std::move(socket)),
        pools_(pools),
        services_(&services),
        load_(&load) {}

  awaitable<void> run() {
    Counted counted(load_->connections);
    CountedAddress of_address(*load_, counted_as(peer_.address()));
    bool is_open = true;
    while (is_open) is_open = co_await serve_one();
    boost::system::error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
  }

 private:
  static tcp::endpoint peer_of(const tcp::socket& socket) {
    boost::system::error_code gone;
    return socket.remote_endpoint(gone);
  }

  // Whether another request may follow.
  awaitable<bool> serve_one() {
    http::request_parser<http::string_body> parser;
    parser.header_limit(header_bytes_max);
    parser.body_limit(body_bytes_max);
    auto failed = co_await read_message(parser);
    if (failed == http::error::body_limit || failed == http::error::header_limit) {
      co_await send(problem(413, "the request is too large"), false, false);
      co_return false;
    }
    if (is_malformed(failed)) {
      co_await send(problem(400, "this is no HTTP request"), false, false);
    }
    if (failed) co_return false;
    auto request = read_request(parser.get(), std::move(headers_), peer_);
    if (!request) {
      co_await send(problem(request.error()), false, false);
      co_return false;
    }
    co_return co_await respond(*request, parser.get().keep_alive());
  }

  // A client that begins a request and stops does not keep the connection open for long.
  awaitable<boost::system::error_code> read_message(
      http::request_parser<http::string_body>& parser) {
    if (is_used_ && buffer_.size() == 0) {
      constexpr std::size_t piece = 4096;
      stream_.expires_after(transfer_max);
      auto [gone, got] = co_await stream_.async_read_some(buffer_.prepare(piece), no_throw);
      if (gone) co_return gone;
      buffer_.commit(got);
    }
    is_used_ = true;
    stream_.expires_after(head_max);
    auto [failed, size] = co_await http::async_read_header(stream_, buffer_, parser, no_throw);
    if (failed) co_return failed;
    headers_ = headers_of(parser.get());
    stream_.expires_after(body_max);
    auto [broken, rest] = co_await http::async_read(stream_, buffer_, parser, no_throw);
    co_return broken;
  }

  static bool is_malformed(const boost::system::error_code& failed) {
    return failed.category() == make_error_code(http::error::bad_target).category() &&
           failed != http::error::end_of_stream && failed != http::error::partial_message;
  }

  awaitable<bool> respond(const Request& request, bool keep_alive) {
    Response response = co_await answered(request);
    if (response.events) {
      co_await send_events(request, response);
      co_return false;
    }
    if (response.download) {
      co_await send_download(response, request.method == "HEAD");
      co_return false;
    }
    bool is_sent = co_await send(std::move(response), keep_alive, request.method == "HEAD");
    co_return is_sent&& keep_alive;
  }

  static bool is_page(const Request& request) {
    bool is_api = request.path.starts_with("/api/") || request.path == "/metrics" ||
                  request.path == "/healthz" || request.path == "/readyz";
    return !is_api && (request.method == "GET" || request.method == "HEAD");
  }

  // Clients that do not read their answers must leave room for those of others.
  [[nodiscard]] bool holds_too_much() const {
    auto own = load_->bytes_by_client.find(client_);
    bool is_own_full =
        own != load_->bytes_by_client.end() && own->second >= answer_bytes_max / share_of_bytes;
    return is_own_full || load_->bytes >= answer_bytes_max;
  }

  static bool compares_passwords(const Request& request) {
    return request.method == "POST" &&
           (request.path == "/api/session" || request.path == "/api/session/password");
  }

  static Response later(int status, std::string_view why) {
    Response response = problem(status, why, "ask again in a moment");
    response.headers.emplace_back("Retry-After", "1");
    return response;
  }

  awaitable<Response> answered(const Request& request) {
    bool is_from_proxy = services_->access->trusts(request.peer);
    if (auto refused = services_->hosts->refusal(request, is_from_proxy))
      co_return std::move(*refused);
    if (is_page(request)) {
      auto found = asset_response(request);
      if (found) co_return std::move(*found);
      co_return problem(404, "there is no such file");
    }
    // Streams ask next to nothing to begin with, and all come at once after a restart: they wait.
    bool is_stream = request.path == "/api/stream";
    bool signs_in = compares_passwords(request);
    if (signs_in && load_->sign_ins >= sign_ins_waiting_max) {
      co_return later(429, "too many sign in at once");
    }
    client_ = services_->access->client(request);
    if (request.path.starts_with("/api/") && holds_too_much()) {
      co_return later(503, "too many answers wait for their readers");
    }
    if (!is_stream && !signs_in && load_->asked >= waiting_max) {
      co_return later(503, "too many questions at once");
    }
    auto began = std::chrono::steady_clock::now();
    auto ask = [&] { return answer(*services_, request); };
    asio::thread_pool& pool = signs_in ? *pools_.sign_ins : *pools_.questions;
    Answer found = co_await on_pool<Answer>(ask, pool, signs_in ? load_->sign_ins : load_->asked);
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
    services_->metrics->count_request(found.route, found.response.status, took);
    co_return std::move(found.response);
  }

  // Runs work that waits for the database. `work` may refer to objects that outlive this call.
  template <class T, class Work>
  awaitable<T> on_pool(Work work) {
    co_return co_await on_pool<T>(std::move(work), *pools_.questions, load_->asked);
  }
  template <class T, class Work>
  awaitable<T> on_pool(Work work, asio::thread_pool& pool, std::size_t& under_way) {
    Counted counted(under_way);
    auto task = [](Work inner) -> awaitable<T> { co_return inner(); };
    co_return co_await asio::co_spawn(pool, task(std::move(work)), asio::use_awaitable);
  }

  awaitable<bool> send(Response response, bool keep_alive, bool is_head) {
    http::response<http::span_body<const char>> message;
    set_headers(message, response, keep_alive);
    Held held(*load_, client_, response.body.size());
    std::string_view body = response.embedded.value_or(response.body);
    message.body() = {body.data(), body.size()};
    message.content_length(body.size());
    if (response.status == 204) message.erase(http::field::content_length);
    stream_.expires_after(transfer_max);
    http::response_serializer<http::span_body<const char>> serializer(message);
    if (is_head) {
      auto [failed, size] = co_await http::async_write_header(stream_, serializer, no_throw);
      co_return !failed;
    }
    auto [failed, size] = co_await http::async_write(stream_, serializer, no_throw);
    co_return !failed;
  }

  awaitable<bool> send_head(const Response& response, bool is_chunked) {
    http::response<http::buffer_body> message;
    set_headers(message, response, false);
    message.chunked(is_chunked);
    message.body().data = nullptr;
    message.body().more = true;
    http::response_serializer<http::buffer_body> serializer(message);
    stream_.expires_after(transfer_max);
    auto [failed, size] = co_await http::async_write_header(stream_, serializer, no_throw);
    co_return !failed;
  }

  // One buffer in the kernel's hands at a time; clients that stop reading are disconnected.
  awaitable<bool> send_bytes(std::string_view bytes) {
    Held held(*load_, client_, bytes.size());
    stream_.expires_after(transfer_max);
    auto [failed, size] =
        co_await asio::async_write(stream_, asio::buffer(bytes.data(), bytes.size()), no_throw);
    co_return !failed;
  }

  awaitable<bool> send_chunk(const std::string& bytes) {
    if (bytes.empty()) co_return true;
    std::string size = fmt::format("{:x}\r\n", bytes.size());
    co_return co_await send_bytes(size + bytes + "\r\n");
  }

  awaitable<void> send_download(Response& response, bool is_head) {
    bool is_good = co_await send_head(response, true);
    if (is_head) co_return;
    is_good = is_good && co_await send_chunk(response.body);
    while (is_good) {
      auto piece = co_await on_pool<base::Result<std::optional<std::string>>>(
          [&] { return response.download->next(); });
      // Without its last chunk the reader knows that it is not whole.
      if (!piece) co_return;
      if (!*piece) break;
      is_good = co_await send_chunk(**piece);
    }
    if (is_good) co_await send_bytes("0\r\n\r\n");
  }

  // He may have been signed out, or removed, since.
  awaitable<bool> is_still_welcome(const Request& request) {
    auto who = co_await on_pool<base::Result<std::optional<Identity>>>(
        [&] { return services_->access->identify(request, services_->cookie_name); });
    // While nobody can be asked, nothing new is read either.
    co_return !who || who->has_value();
  }

  awaitable<void> send_events(const Request& request, const Response& response) {
    EventStream events(*services_, response.events);
    base::Status begun = co_await on_pool<base::Status>([&] { return events.begin(); });
    if (!begun) {
      co_await send(problem(begun.error()), false, false);
      co_return;
    }
    if (!co_await send_head(response, false)) co_return;
    // The first bytes tell the browser that it is connected.
    if (!co_await send_bytes("retry: 2000\n\n")) co_return;
    auto executor = co_await asio::this_coro::executor;
    auto wake = std::make_shared<asio::steady_timer>(executor);
    response.events->on_change(
        [wake, executor] { asio::post(executor, [wake] { wake->cancel(); }); });
    bool is_good = true;
    auto asked_at = std::chrono::steady_clock::now();
    while (is_good) {
      if (std::chrono::steady_clock::now() - asked_at >= live_keepalive) {
        if (!co_await is_still_welcome(request)) co_return;
        asked_at = std::chrono::steady_clock::now();
      }
      if (events.wants_history()) {
        auto piece = co_await on_pool<base::Result<std::string>>([&] { return events.missed(); });
        if (!piece) co_return;
        is_good = piece->empty() || co_await send_bytes(*piece);
        continue;
      }
      std::string piece = events.fresh();
      if (!piece.empty()) {
        is_good = co_await send_bytes(piece);
        continue;
      }
      if (events.wants_history()) continue;
      wake->expires_after(live_keepalive);
      auto [woken] = co_await wake->async_wait(no_throw);
      if (!woken) is_good = co_await send_bytes(events.keepalive());
    }
  }

  tcp::endpoint peer_;
  beast::tcp_stream stream_;
  bool is_used_ = false;  // a request came before
  std::string client_;    // whose bytes are counted
  Pairs headers_;         // of the request that is being read
  beast::flat_buffer buffer_{header_bytes_max + body_bytes_max};
  Pools pools_;
  const Services* services_;
  Load* load_;
};

awaitable<void> run_client(std::unique_ptr<Client> client) { co_await client->run(); }

}  // namespace

awaitable<void> accept_connections(tcp::acceptor& acceptor, Pools pools, const Services& services,
                                   Load& load) {
  auto executor = co_await asio::this_coro::executor;
  while (acceptor.is_open()) {
    auto [failed, socket] = co_await acceptor.async_accept(no_throw);
    if (failed) {
      // Out of descriptors: those that are open go on, and free some.
      asio::steady_timer pause(executor, std::chrono::milliseconds(100));
      co_await pause.async_wait(no_throw);
      continue;
    }
    boost::system::error_code ignored;
    auto peer = socket.remote_endpoint(ignored);
    if (ignored || !has_room(load, services, peer)) continue;  // closed by its destructor
    socket.set_option(tcp::no_delay(true), ignored);
    auto client = std::make_unique<Client>(std::move(socket), pools, services, load);
    asio::co_spawn(executor, run_client(std::move(client)), asio::detached);
  }
}

}  // namespace bemi::serve
