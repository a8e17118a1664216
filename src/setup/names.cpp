// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Names of the slot and the publication, and whom they belong to.
#include <cctype>
#include <cstdint>

#include <fmt/format.h>

#include "base/limits.hpp"
#include "setup/setup.hpp"
#include "store/progress.hpp"
#include "store/schema.hpp"

namespace bemi::setup {
namespace {

// FNV-1a: the same in every build, and for ever.
std::uint64_t digest_of(const std::string& text) {
  std::uint64_t digest = 14695981039346656037ULL;
  for (char c : text) {
    digest ^= static_cast<unsigned char>(c);
    digest *= 1099511628211ULL;
  }
  return digest;
}

}  // namespace

// Only a name that cannot be read back from the slot's gets a digest of it.
std::string default_slot_name(const std::string& source_name) {
  std::string slot = "bemi_";
  for (char c : source_name) {
    bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    bool upper = c >= 'A' && c <= 'Z';
    slot.push_back(allowed ? c : upper ? static_cast<char>(std::tolower(c)) : '_');
  }
  if (slot == "bemi_" + source_name && slot.size() <= base::limits::name_bytes_max) return slot;
  std::string digest = fmt::format("_{:08x}", digest_of(source_name) >> 32U);
  return slot.substr(0, base::limits::name_bytes_max - digest.size()) + digest;
}

std::string baseline_slot_name(const std::string& slot) {
  std::string name = "baseline_of_" + slot;
  return name.size() <= base::limits::name_bytes_max
             ? name
             : fmt::format("baseline_of_{:016x}", digest_of(slot));
}

base::Status take_known(pg::Connection& destination, Settings& settings) {
  if (!store::history_schema(destination)) return {};
  TRY_ASSIGN(auto progress, store::load_progress(destination, settings.source_name));
  if (progress) take_known(*progress, settings);
  return {};
}

void take_known(const store::Progress& progress, Settings& settings) {
  settings.known_slot = progress.slot;
  settings.known_publication = progress.publication;
  settings.known_streaming = progress.state == store::SourceState::streaming;
  if (!settings.known_streaming) return;
  if (!settings.names_slot) settings.slot = progress.slot;
  if (!settings.names_publication) settings.publication = progress.publication;
}

}  // namespace bemi::setup
