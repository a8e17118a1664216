// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/connection.hpp"

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

#include "serve/assets.hpp"
#include "serve/event_stream.hpp"
#include "serve/limits.hpp"
#include "serve/metrics.hpp"
#include "serve/problem.hpp"
#include "serve/router.hpp"

namespace serve {
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

base::Result<Request> read_request(const http::request<http::string_body>& message,
                                   const tcp::endpoint& peer) {
  Request request;
  request.method = message.method_string();
  request.peer = peer.address().to_string();
  request.body = message.body();
  for (const auto& field : message) {
    std::string name(field.name_string());
    std::ranges::transform(name, name.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    request.headers.emplace_back(std::move(name), field.value());
  }
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
  Client(tcp::socket socket, asio::thread_pool& pool, const Services& services, Load& load)
      : peer_(peer_of(socket)),
        stream_(std::move(socket)),
        pool_(&pool),
        services_(&services),
        load_(&load) {}

  awaitable<void> run() {
    Counted counted(load_->connections);
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
    stream_.expires_after(transfer_max);
    auto [failed, size] = co_await http::async_read(stream_, buffer_, parser, no_throw);
    if (failed == http::error::body_limit || failed == http::error::header_limit) {
      co_await send(problem(413, "the request is too large"), false, false);
      co_return false;
    }
    if (failed) co_return false;
    auto request = read_request(parser.get(), peer_);
    if (!request) {
      co_await send(problem(request.error()), false, false);
      co_return false;
    }
    co_return co_await respond(*request, parser.get().keep_alive());
  }

  awaitable<bool> respond(const Request& request, bool keep_alive) {
    Response response = co_await answered(request);
    if (response.events) {
      co_await send_events(response);
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

  awaitable<Response> answered(const Request& request) {
    if (is_page(request)) {
      auto found = asset_response(request);
      if (found) co_return std::move(*found);
      co_return problem(404, "there is no such file");
    }
    // Streams ask next to nothing to begin with, and all come at once after a restart: they wait.
    bool is_stream = request.path == "/api/stream";
    if (!is_stream && load_->asked >= waiting_max) {
      Response busy = problem(503, "too many questions at once", "ask again in a moment");
      busy.headers.emplace_back("Retry-After", "1");
      co_return busy;
    }
    auto began = std::chrono::steady_clock::now();
    Answer found = co_await on_pool<Answer>([&] { return answer(*services_, request); });
    auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        std::chrono::steady_clock::now() - began);
    services_->metrics->count_request(found.route, found.response.status, took);
    co_return std::move(found.response);
  }

  // What waits for the database. `work` may refer to what outlives this call.
  template <class T, class Work>
  awaitable<T> on_pool(Work work) {
    Counted counted(load_->asked);
    auto task = [](Work inner) -> awaitable<T> { co_return inner(); };
    co_return co_await asio::co_spawn(*pool_, task(std::move(work)), asio::use_awaitable);
  }

  awaitable<bool> send(Response response, bool keep_alive, bool is_head) {
    http::response<http::span_body<const char>> message;
    set_headers(message, response, keep_alive);
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

  // One buffer in the kernel's hands at a time; who takes none of it for too long is left.
  awaitable<bool> send_bytes(std::string_view bytes) {
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

  awaitable<void> send_events(const Response& response) {
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
    while (is_good) {
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
  beast::flat_buffer buffer_{header_bytes_max + body_bytes_max};
  asio::thread_pool* pool_;
  const Services* services_;
  Load* load_;
};

awaitable<void> run_client(std::unique_ptr<Client> client) { co_await client->run(); }

}  // namespace

awaitable<void> accept_connections(tcp::acceptor& acceptor, asio::thread_pool& pool,
                                   const Services& services, Load& load) {
  auto executor = co_await asio::this_coro::executor;
  while (acceptor.is_open()) {
    auto [failed, socket] = co_await acceptor.async_accept(no_throw);
    if (failed) {
      // Out of descriptors: those that are open go on, and free some.
      asio::steady_timer pause(executor, std::chrono::milliseconds(100));
      co_await pause.async_wait(no_throw);
      continue;
    }
    if (load.connections >= connections_max) continue;  // closed by its destructor
    boost::system::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    auto client = std::make_unique<Client>(std::move(socket), pool, services, load);
    asio::co_spawn(executor, run_client(std::move(client)), asio::detached);
  }
}

}  // namespace serve
