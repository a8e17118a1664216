// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The first start on a source: a new slot and, where wanted, the rows as they stand at its
// consistent point. The slot's position becomes durable before the rows are read: cut short, the
// stream begins there and the rest of the rows is read beside it (late_baseline.hpp).
#pragma once

#include "pg/connection.hpp"
#include "pipeline/settings.hpp"
#include "store/writer.hpp"

namespace bemi::worker {

base::Status begin_tracking(pg::Connection& source, pg::Connection& destination,
                            store::Writer& writer, const pipeline::Settings& settings);

}  // namespace bemi::worker
