// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/http_client.hpp"

#include <optional>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include "base/log.hpp"
#include "serve/limits.hpp"

namespace bemi::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using Message = http::request<http::string_body>;

struct Place {
  std::string host;
  std::string port;
  std::string target;
  bool is_tls = false;
};

base::Result<Place> place_of(std::string_view url) {
  auto parsed = boost::urls::parse_absolute_uri(url);
  if (!parsed) return base::fail(base::ErrorKind::usage, "not an address");
  bool is_tls = parsed->scheme() == "https";
  Place place{.host = std::string(parsed->host_address()),
              .port = std::string(parsed->port()),
              .target = std::string(parsed->encoded_resource()),
              .is_tls = is_tls};
  if (place.port.empty()) place.port = is_tls ? "443" : "80";
  if (!place.target.starts_with('/')) place.target = "/" + place.target;
  if (std::size_t hash = place.target.find('#'); hash != std::string::npos) {
    place.target.resize(hash);
  }
  return place;
}

// Only the head of the answer: what it says besides is of no use.
template <class Stream>
asio::awaitable<int> exchange(Stream& stream, const Message& message) {
  co_await http::async_write(stream, message, asio::use_awaitable);
  beast::flat_buffer buffer(header_bytes_max);
  http::response_parser<http::empty_body> parser;
  parser.header_limit(header_bytes_max);
  co_await http::async_read_header(stream, buffer, parser, asio::use_awaitable);
  co_return parser.get().result_int();
}

// Of what the name stands for now, and connected to as it is: it may stand for something else a
// moment later.
asio::awaitable<std::vector<tcp::endpoint>> places_to_ask(const Place& place,
                                                          const Reachable& reachable) {
  tcp::resolver resolver(co_await asio::this_coro::executor);
  auto found = co_await resolver.async_resolve(place.host, place.port, asio::use_awaitable);
  std::vector<tcp::endpoint> endpoints;
  for (const auto& entry : found) {
    if (reachable.may_reach(entry.endpoint().address())) endpoints.push_back(entry.endpoint());
  }
  co_return endpoints;
}

// nullopt: it is none that is reachable.
asio::awaitable<std::optional<int>> ask(const Place& place, const Message& message,
                                        const Reachable& reachable) {
  auto executor = co_await asio::this_coro::executor;
  std::vector<tcp::endpoint> found = co_await places_to_ask(place, reachable);
  if (found.empty()) co_return std::nullopt;
  if (!place.is_tls) {
    beast::tcp_stream stream(executor);
    stream.expires_after(http_client_max);
    co_await stream.async_connect(found, asio::use_awaitable);
    co_return co_await exchange(stream, message);
  }
  asio::ssl::context context(asio::ssl::context::tls_client);
  context.set_default_verify_paths();
  context.set_verify_mode(asio::ssl::verify_peer);
  beast::ssl_stream<beast::tcp_stream> stream(executor, context);
  stream.set_verify_callback(asio::ssl::host_name_verification(place.host));
  // lint-ok: OpenSSL's own macro
  SSL_set_tlsext_host_name(stream.native_handle(), place.host.c_str());
  beast::get_lowest_layer(stream).expires_after(http_client_max);
  co_await beast::get_lowest_layer(stream).async_connect(found, asio::use_awaitable);
  co_await stream.async_handshake(asio::ssl::stream_base::client, asio::use_awaitable);
  co_return co_await exchange(stream, message);
}

Message message_to(const Place& place, const Pairs& headers, const std::string& body) {
  Message message{http::verb::post, place.target, 11};
  bool is_v6 = place.host.contains(':');
  std::string host = is_v6 ? "[" + place.host + "]" : place.host;
  bool is_usual = place.port == (place.is_tls ? "443" : "80");
  message.set(http::field::host, is_usual ? host : host + ":" + place.port);
  message.set(http::field::user_agent, "bemi");
  message.set(http::field::content_type, "application/json");
  message.keep_alive(false);
  for (const auto& [name, value] : headers) message.set(name, value);
  message.body() = body;
  message.prepare_payload();
  return message;
}

}  // namespace

base::Result<int> post(std::string_view url, const Pairs& headers, const std::string& body,
                       const Reachable& reachable, const std::stop_token& stop) {
  TRY_ASSIGN(Place place, place_of(url));
  Message message = message_to(place, headers, body);
  asio::io_context context;
  std::optional<int> status;
  bool is_out_of_reach = false;
  bool is_distrusted = false;
  std::string cause = "no answer in time";
  asio::co_spawn(context, ask(place, message, reachable),
                 [&](const std::exception_ptr& failed, std::optional<int> answered) {
                   try {
                     if (failed) std::rethrow_exception(failed);
                     status = answered;
                     is_out_of_reach = !answered;
                   } catch (const boost::system::system_error& error) {
                     cause = error.code().message();
                     is_distrusted = cause.contains("certificate verify failed");
                   } catch (const std::exception& error) {
                     cause = error.what();
                   }
                 });
  {
    std::stop_callback on_stop(stop, [&context] { context.stop(); });
    context.run_for(http_client_max);
  }
  if (!status && stop.stop_requested()) {
    return base::fail(base::ErrorKind::interrupted, "given up, since this program ends");
  }
  if (is_out_of_reach) {
    return base::fail(base::ErrorKind::permission,
                      "the address is none that this server may send to",
                      "whoever runs it may allow more: --webhook-allow RANGE");
  }
  if (status) return *status;
  // Whoever speaks HTTPS is no secret, as one who answers with a status is none.
  if (is_distrusted) {
    return base::fail(base::ErrorKind::connection, "certificate verify failed",
                      "for a private authority: SSL_CERT_FILE");
  }
  base::log::warning("no answer from {}: {}", place.host, cause);
  return base::fail(base::ErrorKind::connection, "no answer in time, or none of an HTTP server");
}

}  // namespace bemi::serve
