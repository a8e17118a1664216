// SPDX-License-Identifier: LGPL-3.0-or-later
#include "serve/source_status.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>

#include <nlohmann/json.hpp>

#include "query/destination.hpp"
#include "query/overview.hpp"
#include "serve/probe.hpp"

namespace bemi::serve {
namespace {

using nlohmann::ordered_json;

std::string text_in(const ordered_json& object, const char* key) {
  auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void add_slot(const Services& services, ordered_json& source) {
  source["slot_known"] = false;
  if (services.probe == nullptr) return;
  auto slot = services.probe->slot(text_in(source, "source"), text_in(source, "slot"),
                                   text_in(source, "position"));
  if (!slot) {
    source["probe_error"] = slot.error().message;
    return;
  }
  if (!*slot) return;
  const SlotStatus& status = **slot;
  source["slot_known"] = true;
  source["slot_there"] = status.is_there;
  source["slot_active"] = status.is_active;
  source["wal_status"] = status.wal_status;
  source["retained_bytes"] = status.retained_bytes;
  source["safe_wal_bytes"] =
      status.safe_wal_bytes ? ordered_json(*status.safe_wal_bytes) : ordered_json(nullptr);
  source["lag_bytes"] = status.lag_bytes;
}

// Whether it is this very program that writes the history.
void add_place(ordered_json& source) {
  ordered_json& worker = source["worker"];
  if (!worker.is_object()) return;
  std::array<char, HOST_NAME_MAX + 1> host{};
  gethostname(host.data(), host.size() - 1);
  worker["here"] = text_in(worker, "host") == host.data() && worker["pid"] == getpid();
}

}  // namespace

base::Result<ordered_json> source_status(const Services& services) {
  std::string text;
  {
    TRY_ASSIGN(auto connection, services.destination->reader());
    TRY_ASSIGN(text, query::sources(*connection));
  }
  auto list = ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return base::fail(base::ErrorKind::internal, "no list of sources");
  for (ordered_json& source : list) {
    source["open_gaps"] = std::ranges::count_if(
        source["gaps"], [](const ordered_json& gap) { return gap["accepted_at"].is_null(); });
    add_place(source);
    add_slot(services, source);
  }
  return list;
}

}  // namespace bemi::serve
