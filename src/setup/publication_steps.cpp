// SPDX-License-Identifier: LGPL-3.0-or-later
#include "setup/publication_steps.hpp"

#include <fmt/format.h>

#include "setup/record.hpp"

namespace bemi::setup {
namespace {

constexpr int lists_generated_columns = 180000;  // from this release on

// Partitions are sent as themselves: by their root, what empties one of them would go unseen.
std::string publication_options(int server_version) {
  return std::string(
             "publish = 'insert, update, delete, truncate', "
             "publish_via_partition_root = false") +
         (server_version < lists_generated_columns ? "" : ", publish_generated_columns = stored");
}

}  // namespace

bool is_as_wanted(const wal::Publication& publication) {
  return publication.sends_all_changes() && publication.publishes_generated_columns;
}

Step create_publication_step(const Settings& settings, int server_version, bool notes_it) {
  return {.what = "make the publication " + settings.publication,
          .sql = (notes_it ? note_publication_sql(settings) : "") +
                 fmt::format("create publication {} with ({})",
                             pg::quote_identifier(settings.publication),
                             publication_options(server_version))};
}

Step mend_publication_step(const wal::Publication& publication, int server_version) {
  return {
      .what = "let the publication " + publication.name + " leave nothing out",
      .sql = fmt::format("alter publication {} set ({})", pg::quote_identifier(publication.name),
                         publication_options(server_version))};
}

}  // namespace bemi::setup
