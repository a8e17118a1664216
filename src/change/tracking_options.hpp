// SPDX-License-Identifier: LGPL-3.0-or-later
//
// TrackingOptions: what the owner of a source may say of its tracking. The lists below are what the
// flags of a managed worker, the fields of the HTTP API and the stored record are made of: a new
// option is added here, and its flag with its help in cli/options.cpp.
#pragma once

#include <array>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.hpp"
#include "change/selection.hpp"

namespace bemi::change {

struct TrackingOptions : SelectionTexts {
  std::string replica_identity = "full";
  std::string snapshot = "auto";
  std::vector<std::string> retention;  // "90d", "todo=30d"; empty: for ever
};

// `name`: in JSON. `flag`: of `bemi run`, once for each value.
struct TrackingList {
  const char* name;
  const char* flag;
  std::vector<std::string> TrackingOptions::* values;
};
inline constexpr std::array tracking_lists{
    TrackingList{"include", "--include", &TrackingOptions::include},
    TrackingList{"exclude", "--exclude", &TrackingOptions::exclude},
    TrackingList{"ignore_columns", "--ignore-column", &TrackingOptions::ignore_columns},
    TrackingList{"redact_columns", "--redact-column", &TrackingOptions::redact_columns},
    TrackingList{"retention", "--retention", &TrackingOptions::retention},
};

// One of several words, the first of which is the default.
struct TrackingChoice {
  const char* name;
  const char* flag;
  std::string TrackingOptions::* value;
  std::vector<std::string> words;
};
const std::vector<TrackingChoice>& tracking_choices();

// All of them by name.
nlohmann::ordered_json to_json(const TrackingOptions& options);
// Absent members get their defaults. Error of kind malformed_message if it is not an object or a
// member has another type: an unreadable list of columns to redact must not pass for an empty one.
base::Result<TrackingOptions> read_tracking_options(const nlohmann::ordered_json& json);

// The arguments of `bemi run`.
std::vector<std::string> arguments_of(const TrackingOptions& options);

}  // namespace bemi::change
