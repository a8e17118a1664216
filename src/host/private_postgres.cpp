// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/private_postgres.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "base/number.hpp"
#include "host/child_process.hpp"
#include "host/own_files.hpp"
#include "pg/connection.hpp"

namespace bemi::host {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using base::ErrorKind;

constexpr auto start_timeout = 30s;

constexpr const char* server_settings = R"(
# Written by bemi dev.
wal_level = logical
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_wal_senders = 10
max_replication_slots = 10
log_min_messages = warning
)";

bool has_server(const fs::path& directory) {
  return fs::exists(directory / "initdb") && fs::exists(directory / "postgres");
}

// Debian keeps each major's programs apart: the newest is taken.
std::vector<fs::path> usual_places() {
  std::vector<fs::path> places;
  const char* variable = std::getenv("PATH");
  std::istringstream path(variable == nullptr ? "" : variable);
  for (std::string directory; std::getline(path, directory, ':');) places.emplace_back(directory);
  std::vector<std::pair<int, fs::path>> majors;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    majors.emplace_back(base::parse_number<int>(entry.path().filename().string()).value_or(0),
                        entry.path() / "bin");
  }
  std::ranges::sort(majors, std::greater{});
  for (auto& [major, place] : majors) places.push_back(std::move(place));
  return places;
}

base::Result<fs::path> find_bindir(const std::string& wanted) {
  if (!wanted.empty()) {
    if (has_server(wanted)) return wanted;
    return base::fail(ErrorKind::usage, "no initdb and postgres in " + wanted,
                      "--postgres-bin names the folder of PostgreSQL's server programs");
  }
  for (const fs::path& place : usual_places()) {
    if (has_server(place)) return place;
  }
  return base::fail(ErrorKind::usage, "no PostgreSQL server is installed here",
                    "install one (Debian: apt install postgresql), or name its programs with "
                    "--postgres-bin DIRECTORY");
}

std::string random_password() {
  std::array<unsigned char, 18> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) std::abort();
  std::string password;
  for (unsigned char byte : bytes) password += fmt::format("{:02x}", byte);
  return password;
}

int free_port() {
  int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  bool bound = bind(probe, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
               getsockname(probe, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  close(probe);
  return bound ? ntohs(address.sin_port) : 0;
}

void give_to(const fs::path& path, const std::optional<base::User>& user) {
  if (user && chown(path.c_str(), user->uid, user->gid) != 0) return;
}

// The folder: data/ is the server's, password and passfile are ours, log is both's.
class Folder {
 public:
  explicit Folder(const std::string& directory) : root_(fs::absolute(directory)) {}

  [[nodiscard]] fs::path data() const { return root_ / "data"; }
  [[nodiscard]] fs::path passfile() const { return root_ / "passfile"; }
  [[nodiscard]] std::string log() const { return (root_ / "postgres.log").string(); }
  [[nodiscard]] base::Status check() const { return check_own_folder(root_); }
  [[nodiscard]] bool ready() const { return fs::exists(passfile()); }

  base::Status create(const fs::path& bindir, const std::optional<base::User>& user) const {
    std::error_code failed;
    fs::create_directories(data(), failed);
    if (failed) {
      return base::fail(ErrorKind::usage, "cannot make " + root_.string() + ": " + failed.message(),
                        "choose another folder with --directory");
    }
    fs::permissions(data(), fs::perms::owner_all);
    fs::path secret = root_ / "password";
    std::string password = random_password();
    TRY(write_secret(secret, password + "\n"));
    give_to(data(), user);
    give_to(secret, user);
    base::Status made = run_to_end(
        {.words = {(bindir / "initdb").string(), "--pgdata", data().string(), "--username=postgres",
                   "--auth=scram-sha-256", "--pwfile", secret.string(), "--encoding=UTF8",
                   "--locale=C.UTF-8", "--no-instructions"},
         .log = log(),
         .user = user});
    fs::remove(secret);
    TRY(std::move(made));
    std::ofstream(data() / "postgresql.conf", std::ios::app) << server_settings;
    return write_secret(passfile(), "127.0.0.1:*:*:postgres:" + password + "\n");
  }

  [[nodiscard]] int last_port() const {
    int port = 0;
    std::ifstream(root_ / "port") >> port;
    return port;
  }
  void remember_port(int port) const { std::ofstream(root_ / "port") << port << '\n'; }

 private:
  fs::path root_;
};

base::Result<pg::Connection> connect_when_up(const std::string& url, pid_t server,
                                             const base::Interrupt* interrupt,
                                             const std::string& log) {
  auto deadline = std::chrono::steady_clock::now() + start_timeout;
  while (true) {
    auto opened = pg::Connection::open({.url = url, .purpose = "bemi/dev", .interrupt = interrupt});
    if (opened || opened.error().kind == ErrorKind::interrupted) return opened;
    bool gone = waitpid(server, nullptr, WNOHANG) == server;
    if (gone || std::chrono::steady_clock::now() > deadline) {
      return base::fail(ErrorKind::internal, "the private PostgreSQL did not start", "see " + log);
    }
    base::pause(interrupt, 50ms);
  }
}

}  // namespace

base::Result<PrivatePostgres> PrivatePostgres::start(const PrivatePostgresOptions& options) {
  TRY_ASSIGN(fs::path bindir, find_bindir(options.bindir));
  Folder folder(options.directory);
  std::optional<base::User> user = server_user();
  // The folder's content is started: a server, by its own settings.
  TRY(folder.check());
  if (!folder.ready()) TRY(folder.create(bindir, user));
  int port = options.port != 0 ? options.port : folder.last_port();
  if (port == 0) port = free_port();
  folder.remember_port(port);

  PrivatePostgres server;
  TRY_ASSIGN(server.pid_, spawn({.words = {(bindir / "postgres").string(), "-D",
                                           folder.data().string(), "-p", std::to_string(port)},
                                 .log = folder.log(),
                                 .user = user}));
  auto url = [&](const std::string& database) {
    return fmt::format("postgresql://postgres@127.0.0.1:{}/{}?passfile={}", port, database,
                       folder.passfile().string());
  };
  TRY_ASSIGN(pg::Connection admin,
             connect_when_up(url("postgres"), server.pid_, options.interrupt, folder.log()));
  TRY_ASSIGN(pg::Rows there,
             admin.query("select 1 from pg_database where datname = $1", {options.database}));
  if (there.empty()) TRY(admin.run("create database " + pg::quote_identifier(options.database)));
  int version = admin.server_version();
  server.version_ = fmt::format("{}.{}", version / 10'000, version % 10'000);
  server.url_ = url(options.database);
  return server;
}

PrivatePostgres::PrivatePostgres(PrivatePostgres&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      url_(std::move(other.url_)),
      version_(std::move(other.version_)) {}

PrivatePostgres::~PrivatePostgres() {
  if (pid_ < 0) return;
  kill(pid_, SIGINT);  // fast shutdown
  waitpid(pid_, nullptr, 0);
}

}  // namespace bemi::host
