// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>
#include <array>
#include <span>

#include <nlohmann/json.hpp>

#include "query/destination.hpp"
#include "serve/access.hpp"
#include "serve/api/body.hpp"
#include "serve/api/filter_body.hpp"
#include "serve/api/handlers.hpp"
#include "serve/api/recorded.hpp"
#include "serve/problem.hpp"
#include "serve/undo.hpp"

namespace bemi::serve {
namespace {

using nlohmann::ordered_json;

base::Result<Undo*> undo_of(const Call& call) {
  if (call.services->undo != nullptr) return call.services->undo;
  return base::fail(base::ErrorKind::usage, "this server was not told of a source to change",
                    "start it with --source, and BEMI_REVERT_URL for a role that may write");
}

base::Result<revert::Request> revert_request(const Call& call, const ordered_json& body) {
  constexpr std::int64_t rows_most = 1'000'000;
  revert::Request request;
  auto filter = body.find("filter");
  if (filter == body.end()) return std::unexpected(wrong("filter is missing"));
  TRY_ASSIGN(request.filter, filter_of_json(*filter));
  TRY_ASSIGN(std::string policy, text_of(body, "on_conflict"));
  if (policy == "skip") {
    request.on_conflict = revert::OnConflict::skip;
  } else if (policy == "force") {
    request.on_conflict = revert::OnConflict::force;
  } else if (!policy.empty() && policy != "fail") {
    return std::unexpected(wrong("on_conflict is fail, skip or force"));
  }
  TRY_ASSIGN(request.cascade, truth_of(body, "cascade", false));
  TRY_ASSIGN(request.fire_triggers, truth_of(body, "fire_triggers", true));
  if (auto rows = body.find("rows_max"); rows != body.end()) {
    if (!rows->is_number_integer() || *rows < 1 || *rows > rows_most) {
      return std::unexpected(wrong("rows_max is a number from 1 to 1000000"));
    }
    request.rows_max = rows->get<std::int64_t>();
  }
  TRY_ASSIGN(request.reason, text_of(body, "reason"));
  request.actor = call.identity->name;
  return request;
}

constexpr std::array<std::string_view, 7> revert_fields{
    "filter", "on_conflict", "cascade", "rows_max", "fire_triggers", "reason", "digest"};

constexpr std::array<std::string_view, 3> mark_fields{"name", "comment", "protected"};
constexpr std::array<std::string_view, 2> rollback_fields{"name", "force"};
constexpr std::array<std::string_view, 1> forward_fields{"name"};

Response outcome(const revert::Outcome& done) {
  auto plan = ordered_json::parse(revert::to_json(done.plan), nullptr, false);
  return json(
      ordered_json{{"plan", std::move(plan)},
                   {"transaction_id", done.transaction_id == 0 ? ordered_json(nullptr)
                                                               : ordered_json(done.transaction_id)}}
          .dump());
}

base::Result<Response> finished(base::Result<revert::Outcome> done) {
  if (!done) return std::unexpected(std::move(done).error());
  return outcome(*done);
}

}  // namespace

base::Result<Response> plan_revert(const Call& call) {
  TRY_ASSIGN(Undo * undo, undo_of(call));
  TRY_ASSIGN(ordered_json body, body_of(call, revert_fields));
  TRY_ASSIGN(revert::Request request, revert_request(call, body));
  TRY_ASSIGN(revert::Plan plan, undo->plan(request));
  return json(revert::to_json(plan));
}

base::Result<Response> apply_revert(const Call& call) {
  TRY_ASSIGN(Undo * undo, undo_of(call));
  TRY_ASSIGN(ordered_json body, body_of(call, revert_fields));
  TRY_ASSIGN(revert::Request request, revert_request(call, body));
  TRY_ASSIGN(std::string digest, text_of(body, "digest"));
  // Only a plan that somebody has confirmed is applied.
  if (digest.empty())
    return std::unexpected(wrong("digest is missing: send the digest of the plan that was shown"));
  std::string filter = body["filter"].dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  return finished(recorded(call, "revert", request.reason, R"({"filter": )" + filter + "}",
                           [&] { return undo->apply(request, digest); }));
}

base::Result<Response> list_marks(const Call& call) {
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(pg::Rows rows, revert::list_marks(*connection));
  auto marks = ordered_json::array();
  for (int row = 0; row < rows.count(); ++row) {
    ordered_json mark;
    for (int column = 0; column < rows.columns(); ++column) {
      auto value = rows.get(row, column);
      mark[rows.column_name(column)] = value ? ordered_json(*value) : ordered_json(nullptr);
    }
    marks.push_back(std::move(mark));
  }
  return json(ordered_json{{"marks", std::move(marks)}}.dump());
}

base::Result<Response> create_mark(const Call& call) {
  TRY_ASSIGN(Undo * undo, undo_of(call));
  TRY_ASSIGN(ordered_json body, body_of(call, mark_fields));
  revert::NewMark wanted;
  TRY_ASSIGN(wanted.name, text_of(body, "name"));
  TRY_ASSIGN(wanted.comment, text_of(body, "comment"));
  TRY_ASSIGN(wanted.is_protected, truth_of(body, "protected", false));
  if (wanted.name.empty()) return std::unexpected(wrong("name is missing"));
  TRY_ASSIGN(revert::Mark mark, recorded(call, "mark create", wanted.name, "",
                                         [&] { return undo->create_mark(wanted); }));
  return json(ordered_json{
      {"name", mark.name}, {"effective_at", mark.effective_at}, {"not_covered", mark.not_covered}}
                  .dump());
}

base::Result<Response> roll_back(const Call& call) {
  TRY_ASSIGN(Undo * undo, undo_of(call));
  TRY_ASSIGN(ordered_json body, body_of(call, rollback_fields));
  TRY_ASSIGN(std::string name, text_of(body, "name"));
  TRY_ASSIGN(bool force, truth_of(body, "force", false));
  return finished(recorded(call, "mark rollback", name, force ? R"({"force": true})" : "",
                           [&] { return undo->roll_back(name, force, call.identity->name); }));
}

base::Result<Response> roll_forward(const Call& call) {
  TRY_ASSIGN(Undo * undo, undo_of(call));
  TRY_ASSIGN(ordered_json body, body_of(call, forward_fields));
  TRY_ASSIGN(std::string name, text_of(body, "name"));
  return finished(recorded(call, "mark forward", name, "",
                           [&] { return undo->roll_forward(name, call.identity->name); }));
}

base::Result<Response> delete_mark(const Call& call) {
  TRY_ASSIGN(Undo * undo, undo_of(call));
  std::string name(call.tail);
  TRY(recorded(call, "mark delete", name, "",
               [&] { return undo->delete_mark(name, /*force=*/false); }));
  return Response{.status = 204, .content_type = ""};
}

}  // namespace bemi::serve
