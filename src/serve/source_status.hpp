// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Each source as the history knows it, with what the probe adds of its slot.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "serve/services.hpp"

namespace bemi::serve {

// A list of objects: query::sources, and worker.here, slot_known, slot_there, slot_active,
// wal_status, retained_bytes, safe_wal_bytes, lag_bytes, open_gaps, probe_error.
base::Result<nlohmann::ordered_json> source_status(const Services& services);

}  // namespace bemi::serve
