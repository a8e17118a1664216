// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "pg/foreign.hpp"
#include "serve/api/body.hpp"
#include "serve/api/handlers.hpp"
#include "serve/api/recorded.hpp"
#include "serve/control.hpp"
#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> destination_fields{"admin_url", "database", "role",
                                                             "take_over"};
constexpr std::array<std::string_view, 1> name_fields{"name"};
constexpr std::size_t patterns_max = 1000;

std::vector<std::string_view> source_fields() {
  std::vector<std::string_view> names{
      "name", "url", "admin_url", "revert_url", "destination_url", "new_destination"};
  for (const change::TrackingList& list : change::tracking_lists) names.emplace_back(list.name);
  for (const auto& choice : change::tracking_choices()) names.emplace_back(choice.name);
  return names;
}

base::Result<Control*> control_of(const Call& call) {
  if (call.services->control != nullptr) return call.services->control;
  return base::fail(base::ErrorKind::usage, "this server manages no sources",
                    "start bemi serve with BEMI_SECRET_KEY in the environment; make a key with: "
                    "openssl rand -base64 32");
}

base::Result<std::vector<std::string>> texts_of(const ordered_json& body, const char* name) {
  std::vector<std::string> texts;
  auto found = body.find(name);
  if (found == body.end() || found->is_null()) return texts;
  if (!found->is_array() || found->size() > patterns_max) {
    return std::unexpected(wrong(std::string(name) + " is a list of texts"));
  }
  for (const ordered_json& one : *found) {
    if (!one.is_string()) return std::unexpected(wrong(std::string(name) + " is a list of texts"));
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

base::Result<std::string> one_of(const ordered_json& body, const char* name,
                                 const std::vector<std::string>& known) {
  TRY_ASSIGN(std::string text, text_of(body, name));
  if (text.empty()) return known.front();
  if (std::ranges::find(known, text) != known.end()) return text;
  return std::unexpected(wrong(std::string(name) + " is none that there is"));
}

base::Result<NewDestination> destination_in(const ordered_json& body) {
  TRY(only_fields(body, destination_fields));
  NewDestination destination;
  TRY_ASSIGN(destination.admin_url, text_of(body, "admin_url"));
  TRY_ASSIGN(destination.database, text_of(body, "database"));
  TRY_ASSIGN(destination.role, text_of(body, "role"));
  TRY_ASSIGN(destination.takes_over, truth_of(body, "take_over", false));
  if (destination.admin_url.empty()) {
    return std::unexpected(wrong("new_destination has no admin_url"));
  }
  return destination;
}

// A form yields its own fields only, never this server's settings.
base::Status make_foreign(const Call& call, NewSource& source) {
  std::vector<std::string*> urls{&source.url, &source.admin_url, &source.revert_url,
                                 &source.destination_url};
  if (source.new_destination) urls.push_back(&source.new_destination->admin_url);
  for (std::string* url : urls) {
    if (url->empty()) continue;
    TRY_ASSIGN(*url, pg::foreign_url(*url, call.services->may_use_sockets));
  }
  return {};
}

// The request without its addresses.
std::string details_of(const NewSource& source) {
  ordered_json details = change::to_json(source.tracking);
  if (source.new_destination) {
    details["new_destination"] = {{"database", source.new_destination->database},
                                  {"role", source.new_destination->role},
                                  {"take_over", source.new_destination->takes_over}};
  }
  return details.dump();
}

base::Result<NewSource> source_in(const Call& call) {
  TRY_ASSIGN(ordered_json body, body_of(call, source_fields()));
  NewSource source;
  TRY_ASSIGN(source.name, text_of(body, "name"));
  TRY_ASSIGN(source.url, text_of(body, "url"));
  TRY_ASSIGN(source.admin_url, text_of(body, "admin_url"));
  TRY_ASSIGN(source.revert_url, text_of(body, "revert_url"));
  for (const change::TrackingList& list : change::tracking_lists) {
    TRY_ASSIGN(source.tracking.*list.values, texts_of(body, list.name));
  }
  for (const change::TrackingChoice& choice : change::tracking_choices()) {
    TRY_ASSIGN(source.tracking.*choice.value, one_of(body, choice.name, choice.words));
  }
  TRY_ASSIGN(source.destination_url, text_of(body, "destination_url"));
  if (auto wanted = body.find("new_destination"); wanted != body.end() && !wanted->is_null()) {
    TRY_ASSIGN(source.new_destination, destination_in(*wanted));
  }
  if (source.new_destination && !source.destination_url.empty()) {
    return std::unexpected(wrong("the history goes to destination_url or to new_destination"));
  }
  if (source.url.empty()) {
    return base::fail(base::ErrorKind::usage, "url is missing",
                      "write it as postgresql://USER:PASSWORD@HOST/DATABASE");
  }
  TRY(make_foreign(call, source));
  source.created_by = call.identity->name;
  return source;
}

base::Result<Response> pause_or_resume(const Call& call, bool is_paused) {
  TRY_ASSIGN(Control * control, control_of(call));
  TRY_ASSIGN(ordered_json body, body_of(call, name_fields));
  TRY_ASSIGN(std::string name, text_of(body, "name"));
  TRY_ASSIGN(bool was_there, recorded(call, is_paused ? "source pause" : "source resume", name, "",
                                      [&] { return control->set_paused(name, is_paused); }));
  if (!was_there) return problem(404, "no source of this name is managed here");
  return Response{.status = 204, .content_type = ""};
}

// It is the address in the question that leads nowhere, not this server.
template <class T>
base::Result<T> of_their_address(base::Result<T> done) {
  if (done) return done;
  base::Error error = done.error();
  bool is_theirs =
      error.kind == base::ErrorKind::connection || error.kind == base::ErrorKind::authentication;
  if (is_theirs) error.kind = base::ErrorKind::usage;
  return std::unexpected(std::move(error));
}

}  // namespace

base::Result<Response> list_managed(const Call& call) {
  if (call.services->control == nullptr) return json(R"({"managing": false, "sources": []})");
  TRY_ASSIGN(std::string sources, call.services->control->list());
  return json("{\"managing\": true, \"sources\": " + sources + "}");
}

base::Result<Response> check_source(const Call& call) {
  TRY_ASSIGN(Control * control, control_of(call));
  TRY_ASSIGN(NewSource source, source_in(call));
  TRY_ASSIGN(std::string found, of_their_address(control->check(source)));
  return json(std::move(found));
}

base::Result<Response> add_source(const Call& call) {
  TRY_ASSIGN(Control * control, control_of(call));
  TRY_ASSIGN(NewSource source, source_in(call));
  TRY_ASSIGN(std::string name, recorded(call, "source add", source.name, details_of(source),
                                        [&] { return of_their_address(control->add(source)); }));
  return json(ordered_json{{"name", name}}.dump());
}

base::Result<Response> pause_source(const Call& call) { return pause_or_resume(call, true); }
base::Result<Response> resume_source(const Call& call) { return pause_or_resume(call, false); }

base::Result<Response> remove_source(const Call& call) {
  TRY_ASSIGN(Control * control, control_of(call));
  std::string name(call.tail);
  bool keep_slot = flag_of(*call.request, "keep_slot");
  TRY_ASSIGN(bool was_there,
             recorded(call, "source remove", name, keep_slot ? R"({"keep_slot": true})" : "",
                      [&] { return control->remove(name, keep_slot); }));
  if (!was_there) return problem(404, "no source of this name is managed here");
  return Response{.status = 204, .content_type = ""};
}

}  // namespace bemi::serve
