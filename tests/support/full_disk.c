// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A full disk, for one process and one folder: preloaded, it lets writes to files below $FULL_DISK_UNDER fail
// with ENOSPC for as long as the file $FULL_DISK_WHILE exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_full(int fd) {
  const char* under = getenv("FULL_DISK_UNDER");
  const char* flag = getenv("FULL_DISK_WHILE");
  if (under == NULL || flag == NULL || access(flag, F_OK) != 0) return 0;
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return strncmp(path, under, strlen(under)) == 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void* bytes, size_t count) {
  if (is_full(fd)) return errno = ENOSPC, -1;
  return REAL(write)(fd, bytes, count);
}

ssize_t pwrite(int fd, const void* bytes, size_t count, off_t offset) {
  if (is_full(fd)) return errno = ENOSPC, -1;
  return REAL(pwrite)(fd, bytes, count, offset);
}

ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t offset) {
  if (is_full(fd)) return errno = ENOSPC, -1;
  return REAL(pwrite64)(fd, bytes, count, offset);
}

ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  if (is_full(fd)) return errno = ENOSPC, -1;
  return REAL(pwritev)(fd, parts, count, offset);
}

ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t offset) {
  if (is_full(fd)) return errno = ENOSPC, -1;
  return REAL(pwritev64)(fd, parts, count, offset);
}

int posix_fallocate(int fd, off_t offset, off_t length) {
  return is_full(fd) ? ENOSPC : REAL(posix_fallocate)(fd, offset, length);
}

int posix_fallocate64(int fd, off64_t offset, off64_t length) {
  return is_full(fd) ? ENOSPC : REAL(posix_fallocate64)(fd, offset, length);
}
