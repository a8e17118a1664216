// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/own_files.hpp"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace bemi::host {
namespace {

using base::ErrorKind;
namespace fs = std::filesystem;

constexpr std::size_t file_bytes_max = 1UL << 20;

class OpenFile {
 public:
  explicit OpenFile(int number) : number_(number) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (number_ >= 0) ::close(number_);
  }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

std::unexpected<base::Error> failed(const char* what, const fs::path& path) {
  return base::fail(ErrorKind::usage, std::string("cannot ") + what + " " + path.string() + ": " +
                                          std::strerror(errno));
}

bool is_ours(uid_t owner) { return owner == geteuid() || owner == 0; }

// Many systems give each person a group of their own, and let it write by default.
bool is_of_one_person(gid_t group, uid_t owner) {
  if (group == 0) return true;
  const passwd* person = getpwuid(owner);
  if (person == nullptr || person->pw_gid != group) return false;
  std::string name = person->pw_name;
  const struct group* entry = getgrgid(group);
  if (entry == nullptr || name != entry->gr_name) return false;
  for (char** member = entry->gr_mem; *member != nullptr; ++member) {
    if (name != *member) return false;
  }
  return true;
}

std::string name_of(uid_t owner) {
  const passwd* person = getpwuid(owner);
  return person == nullptr ? std::to_string(owner) : person->pw_name;
}

base::Status check(const struct stat& found, const fs::path& path, const char* otherwise) {
  std::string name = path.string();
  if (!is_ours(found.st_uid)) {
    return base::fail(
        ErrorKind::permission,
        name + " belongs to " + name_of(found.st_uid) + ", and is not believed",
        "if it is right: chown " + name_of(geteuid()) + " " + name + "; " + otherwise);
  }
  bool group_writes =
      (found.st_mode & S_IWGRP) != 0 && !is_of_one_person(found.st_gid, found.st_uid);
  if ((found.st_mode & S_IWOTH) == 0 && !group_writes) return {};
  return base::fail(ErrorKind::permission, name + " can be written by others, and is not believed",
                    "look at it, then: chmod go-w " + name + "; " + otherwise);
}

// A link is as good as who made it.
base::Status check_link(const fs::path& path, const char* otherwise) {
  struct stat found{};
  if (lstat(path.c_str(), &found) != 0 || !S_ISLNK(found.st_mode) || is_ours(found.st_uid))
    return {};
  return base::fail(
      ErrorKind::permission,
      path.string() + " is a link of " + name_of(found.st_uid) + "'s, and is not followed",
      otherwise);
}

base::Result<std::string> read_all(int file, const fs::path& path) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (true) {
    ssize_t got = ::read(file, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", path);
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    if (text.size() > file_bytes_max) {
      return base::fail(ErrorKind::limit, path.string() + " is larger than 1 MB",
                        "is it the right file?");
    }
  }
}

}  // namespace

base::Result<std::optional<std::string>> read_own_file(const fs::path& path) {
  constexpr const char* otherwise = "or name another with --config";
  // O_NONBLOCK: opening a pipe would wait for its other end.
  OpenFile file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0 && errno == ENOENT) return std::nullopt;
  if (file.number() < 0) return failed("read", path);
  struct stat found{};
  if (fstat(file.number(), &found) != 0) return failed("look at", path);
  if (!S_ISCHR(found.st_mode)) {  // /dev/null is nobody's
    TRY(check_link(path, otherwise));
    TRY(check(found, path, otherwise));
  }
  if (S_ISFIFO(found.st_mode)) fcntl(file.number(), F_SETFL, O_RDONLY);
  TRY_ASSIGN(std::string text, read_all(file.number(), path));
  return text;
}

base::Status check_own_folder(const fs::path& path) {
  constexpr const char* otherwise = "or choose another folder with --directory";
  struct stat found{};
  if (stat(path.c_str(), &found) != 0)
    return errno == ENOENT ? base::Status() : failed("look at", path);
  TRY(check_link(path, otherwise));
  return check(found, path, otherwise);
}

base::Status write_secret(const fs::path& path, const std::string& text) {
  fs::path part = path.string() + ".part";
  ::unlink(part.c_str());
  OpenFile file(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (file.number() < 0) return failed("create", part);
  bool written =
      ::write(file.number(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file.number()) == 0 && ::rename(part.c_str(), path.c_str()) == 0;
  if (written) return {};
  int why = errno;
  ::unlink(part.c_str());
  errno = why;
  return failed("write", path);
}

}  // namespace bemi::host
