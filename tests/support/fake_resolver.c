// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A name server that lies, for one process: preloaded, it answers for the name $FAKE_NAME with the
// addresses of $FAKE_ADDRESSES: those before the first ';' the first time, those before the next one
// then, and so on, again from the beginning; several at once have ',' between them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int (*Resolve)(const char*, const char*, const struct addrinfo*, struct addrinfo**);

int getaddrinfo(const char* name, const char* service, const struct addrinfo* hints,
                struct addrinfo** found) {
  static atomic_int asked;
  Resolve real = (Resolve)dlsym(RTLD_NEXT, "getaddrinfo");
  const char* fake = getenv("FAKE_NAME");
  const char* all = getenv("FAKE_ADDRESSES");
  if (name == NULL || fake == NULL || all == NULL || strcasecmp(name, fake) != 0) {
    return real(name, service, hints, found);
  }
  int answers = 1;
  for (const char* at = all; *at != '\0'; ++at) answers += *at == ';';
  int turn = atomic_fetch_add(&asked, 1) % answers;
  char text[1024];
  snprintf(text, sizeof text, "%s", all);
  char* rest = text;
  char* answer = strsep(&rest, ";");
  while (turn-- > 0) answer = strsep(&rest, ";");
  fprintf(stderr, "resolved %s to %s\n", name, answer);
  struct addrinfo* list = NULL;
  for (char* address = strsep(&answer, ","); address != NULL; address = strsep(&answer, ",")) {
    struct addrinfo* one = NULL;
    struct addrinfo numeric = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    if (real(address, service, &numeric, &one) != 0) return EAI_FAIL;
    struct addrinfo** end = &list;
    while (*end != NULL) end = &(*end)->ai_next;
    *end = one;
  }
  *found = list;
  return 0;
}
