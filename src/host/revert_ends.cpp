// SPDX-License-Identifier: LGPL-3.0-or-later
#include "host/revert_ends.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "host/catch_up.hpp"
#include "store/schema.hpp"

namespace bemi::host {
namespace {

void show(const revert::Progress& progress) {
  if (isatty(STDERR_FILENO) == 0) return;
  std::cerr << "\r\x1b[K" << progress.step;
  if (progress.rows > 0) std::cerr << ": " << progress.rows << " rows";
  std::cerr << "\r" << std::flush;
}

}  // namespace

base::Result<std::unique_ptr<RevertEnds>> RevertEnds::open(const Config& config, int timeout_s,
                                                           const base::Interrupt& stop,
                                                           Access destination_access) {
  TRY(require_source(config));
  auto source = pg::Connection::open(
      {.url = config.revert_url.empty() ? config.source_url : config.revert_url,
       .purpose = "bemi/revert",
       .keep_search_path = true,
       .interrupt = &stop,
       .cancels = true,
       .stored_text = true});
  if (!source) return std::unexpected(source.error().within("source"));
  TRY_ASSIGN(pg::Connection destination, open_destination(config, destination_access));
  TRY(store::history_schema(destination));
  auto opened = std::make_unique<RevertEnds>(std::move(*source), std::move(destination));
  TRY_ASSIGN(setup::Settings settings, setup_settings(config, opened->source_));
  RevertEnds* self = opened.get();
  opened->ends_ = std::make_unique<revert::Ends>(
      revert::Ends{.source = self->source_,
                   .destination = self->destination_,
                   .source_name = settings.source_name,
                   .catch_up =
                       [self, name = settings.source_name, timeout_s, &stop] {
                         return catch_up(self->source_, self->destination_, name,
                                         std::chrono::seconds(timeout_s), &stop);
                       },
                   .progress = show});
  return opened;
}

std::string default_actor() {
  const char* user = std::getenv("USER");
  return user == nullptr ? "" : user;
}

}  // namespace bemi::host
