// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Each source as the history knows it, with what the probe adds of its slot, and its health.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "serve/probe.hpp"
#include "serve/services.hpp"

namespace bemi::serve {

// A list of objects: query::sources, and worker.here, paused, slot_known, slot_there, slot_active,
// wal_status, retained_bytes, safe_wal_bytes, lag_bytes, open_gaps, probe_error, health.
base::Result<nlohmann::ordered_json> source_status(const Services& services);

// Adds to a source of query::sources what was seen of its slot, and then the judgement:
// "health": {"level": "good" | "attention" | "action", "sentence", "problems": [{"level",
// "sentence"}]}.
void add_slot(nlohmann::ordered_json& source, const base::Result<std::optional<SlotStatus>>& slot);
void add_health(nlohmann::ordered_json& source);

}  // namespace bemi::serve
