// SPDX-License-Identifier: LGPL-3.0-or-later
//
// The publication as Bemi needs it: it leaves nothing out. Pure; plan.cpp asks the source.
#pragma once

#include "setup/setup.hpp"

namespace bemi::setup {

bool is_as_wanted(const wal::Publication& publication);

// `notes_it`: the record is told that Bemi made the publication.
Step create_publication_step(const Settings& settings, int server_version, bool notes_it);
Step mend_publication_step(const wal::Publication& publication, int server_version);

}  // namespace bemi::setup
