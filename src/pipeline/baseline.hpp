// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A new slot and, where asked, the rows as they stand at its consistent point: SNAPSHOT changes.
// Slot position and rows become durable in one destination transaction; cut short, nothing of it
// was ever there and the next start begins anew.
#pragma once

#include "pg/connection.hpp"
#include "pipeline/renderer.hpp"
#include "pipeline/settings.hpp"
#include "store/writer.hpp"

namespace pipeline {

base::Status begin_tracking(pg::Connection& source, Renderer& renderer, store::Writer& writer,
                            const Settings& settings);

}  // namespace pipeline
