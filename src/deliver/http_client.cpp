// SPDX-License-Identifier: LGPL-3.0-or-later
#include "deliver/http_client.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

#include <curl/curl.h>

#include "base/log.hpp"
#include "deliver/limits.hpp"

namespace bemi::deliver {
namespace {

namespace ip = boost::asio::ip;

struct CloseCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Curl = std::unique_ptr<CURL, CloseCurl>;
using HeaderList = std::unique_ptr<curl_slist, CloseCurl>;

// One request under way, as libcurl's callbacks see it.
struct Exchange {
  CURL* curl;
  const Reachable* reachable;
  const std::stop_token* stop;
  bool refused_an_address = false;
  bool opened_a_socket = false;
  std::size_t header_bytes = 0;
  int status = 0;  // of an answer whose head is there
};

ip::address address_of(const curl_sockaddr& place) {
  if (place.family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &place.addr, sizeof v4);
    return ip::address_v4(ntohl(v4.sin_addr.s_addr));
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &place.addr, sizeof v6);
  ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return ip::address_v6(bytes);
}

// Called with each address that the name stands for, right before it is connected to: what the name
// stands for a moment later is of no consequence.
curl_socket_t open_socket(void* data, curlsocktype /*purpose*/, curl_sockaddr* place) {
  auto& exchange = *static_cast<Exchange*>(data);
  bool is_known = place->family == AF_INET || place->family == AF_INET6;
  if (!is_known || !exchange.reachable->may_reach(address_of(*place))) {
    exchange.refused_an_address = true;
    return CURL_SOCKET_BAD;
  }
  exchange.opened_a_socket = true;
  return socket(place->family, place->socktype | SOCK_CLOEXEC, place->protocol);
}

int is_stopped(void* data, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<Exchange*>(data)->stop->stop_requested() ? 1 : 0;
}

// One line of the answer's head. Only the head is wanted: at its end this ends the transfer.
std::size_t take_header(char* text, std::size_t size, std::size_t count, void* data) {
  auto& exchange = *static_cast<Exchange*>(data);
  exchange.header_bytes += size * count;
  if (exchange.header_bytes > answer_head_bytes_max) return 0;
  std::string_view line(text, size * count);
  if (line != "\r\n" && line != "\n") return size * count;
  long status = 0;
  curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &status);
  if (status < 200) return size * count;  // "100 Continue", and the like
  exchange.status = static_cast<int>(status);
  return 0;
}

base::Result<HeaderList> list_of(const Headers& headers) {
  HeaderList list;
  auto add = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return false;
    static_cast<void>(list.release());
    list.reset(longer);
    return true;
  };
  // Without `Expect`, a body is sent at once.
  bool is_whole = add("Content-Type: application/json") && add("Expect:");
  for (const auto& [name, value] : headers) is_whole = is_whole && add(name + ": " + value);
  if (!is_whole) return base::fail(base::ErrorKind::internal, "out of memory");
  return list;
}

// OpenSSL's own variables name whom to trust; libcurl itself does not ask them.
void trust(CURL* curl) {
  const char* file = std::getenv("SSL_CERT_FILE");      // lint-ok: as OpenSSL does it
  const char* directory = std::getenv("SSL_CERT_DIR");  // lint-ok: as OpenSSL does it
  if (file != nullptr) curl_easy_setopt(curl, CURLOPT_CAINFO, file);
  if (directory != nullptr) curl_easy_setopt(curl, CURLOPT_CAPATH, directory);
}

void prepare(CURL* curl, const std::string& url, const HeaderList& headers, const std::string& body,
             Exchange& exchange) {
  using std::chrono::milliseconds;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(curl, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // A proxy would connect for us, to addresses that nobody judged.
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // A silent name server must not delay our exit.
  curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(milliseconds(http_client_max).count()));
  curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "bemi");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, is_stopped);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  trust(curl);
}

std::unexpected<base::Error> failure(CURLcode code, const char* said, const Exchange& exchange) {
  if (exchange.stop->stop_requested()) {
    return base::fail(base::ErrorKind::interrupted, "given up, since this program ends");
  }
  // Also what an answer that is no HTTP is called; that one looks like none.
  bool is_no_address = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
  if (is_no_address && !exchange.opened_a_socket && !exchange.refused_an_address) {
    return base::fail(base::ErrorKind::usage, "not an address");
  }
  if (exchange.refused_an_address && !exchange.opened_a_socket) {
    return base::fail(base::ErrorKind::permission, "this server may not send to that address",
                      "its operator can allow more addresses: --webhook-allow RANGE");
  }
  // This reveals only that the receiver speaks HTTPS, which is no secret.
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return base::fail(base::ErrorKind::connection, "certificate verify failed",
                      "for a private authority: SSL_CERT_FILE");
  }
  base::log::warning("no answer to a webhook: {}", *said != '\0' ? said : curl_easy_strerror(code));
  return base::fail(base::ErrorKind::connection, "no answer in time, or none of an HTTP server");
}

}  // namespace

base::Result<int> post(std::string_view url, const Headers& headers, const std::string& body,
                       const Reachable& reachable, const std::stop_token& stop) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  Curl curl(ready == CURLE_OK ? curl_easy_init() : nullptr);
  if (!curl) return base::fail(base::ErrorKind::internal, "libcurl does not start");
  TRY_ASSIGN(HeaderList list, list_of(headers));
  Exchange exchange{.curl = curl.get(), .reachable = &reachable, .stop = &stop};
  prepare(curl.get(), std::string(url), list, body, exchange);
  std::array<char, CURL_ERROR_SIZE> said{};
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, said.data());

  CURLcode code = curl_easy_perform(curl.get());
  if (exchange.status != 0) return exchange.status;
  return failure(code, said.data(), exchange);
}

}  // namespace bemi::deliver
