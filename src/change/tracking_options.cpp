// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/tracking_options.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace bemi::change {

using nlohmann::ordered_json;

const std::vector<TrackingChoice>& tracking_choices() {
  static const std::vector<TrackingChoice> choices{
      {"replica_identity",
       "--replica-identity",
       &TrackingOptions::replica_identity,
       {"full", "keep"}},
      {"snapshot", "--snapshot", &TrackingOptions::snapshot, {"auto", "initial", "none"}},
  };
  return choices;
}

ordered_json to_json(const TrackingOptions& options) {
  ordered_json json = ordered_json::object();
  for (const TrackingList& list : tracking_lists) json[list.name] = options.*list.values;
  for (const TrackingChoice& choice : tracking_choices()) json[choice.name] = options.*choice.value;
  return json;
}

base::Result<TrackingOptions> read_tracking_options(const ordered_json& json) {
  auto wrong = [](const char* name) {
    return base::fail(base::ErrorKind::malformed_message,
                      std::string("the stored option ") + name + " has another type");
  };
  TrackingOptions options;
  if (!json.is_object()) {
    return base::fail(base::ErrorKind::malformed_message, "the stored options are not an object");
  }
  for (const TrackingList& list : tracking_lists) {
    auto found = json.find(list.name);
    if (found == json.end()) continue;
    bool is_list = found->is_array() &&
                   std::ranges::all_of(*found, [](const auto& one) { return one.is_string(); });
    if (!is_list) return wrong(list.name);
    options.*list.values = found->get<std::vector<std::string>>();
  }
  for (const TrackingChoice& choice : tracking_choices()) {
    auto found = json.find(choice.name);
    if (found == json.end()) continue;
    if (!found->is_string()) return wrong(choice.name);
    options.*choice.value = found->get<std::string>();
  }
  return options;
}

std::vector<std::string> arguments_of(const TrackingOptions& options) {
  std::vector<std::string> words;
  auto add = [&](const char* flag, const std::string& value) {
    words.emplace_back(flag);
    words.push_back(value);
  };
  for (const TrackingList& list : tracking_lists) {
    for (const std::string& value : options.*list.values) add(list.flag, value);
  }
  for (const TrackingChoice& choice : tracking_choices()) add(choice.flag, options.*choice.value);
  return words;
}

}  // namespace bemi::change
