// SPDX-License-Identifier: LGPL-3.0-or-later
#include <array>

#include <nlohmann/json.hpp>

#include "deliver/webhook_sender.hpp"
#include "query/destination.hpp"
#include "query/known_names.hpp"
#include "serve/api/body.hpp"
#include "serve/api/filter_body.hpp"
#include "serve/api/handlers.hpp"
#include "serve/api/recorded.hpp"
#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

using nlohmann::ordered_json;

constexpr std::array<std::string_view, 5> webhook_fields{"name", "url", "filter", "enabled",
                                                         "renew_secret"};
constexpr std::array<std::string_view, 1> test_fields{"name"};

base::Result<deliver::NewWebhook> webhook_in(const Call& call) {
  TRY_ASSIGN(ordered_json body, body_of(call, webhook_fields));
  deliver::NewWebhook wanted;
  TRY_ASSIGN(wanted.name, text_of(body, "name"));
  TRY_ASSIGN(wanted.url, text_of(body, "url"));
  TRY_ASSIGN(wanted.is_enabled, truth_of(body, "enabled", true));
  TRY_ASSIGN(wanted.renews_secret, truth_of(body, "renew_secret", false));
  auto filter = body.find("filter");
  wanted.filter = filter == body.end() ? "{}" : filter->dump();
  TRY_ASSIGN(query::ChangeFilter read, filter_of_text(wanted.filter));
  if (read.since || read.until) {
    return std::unexpected(
        wrong("a webhook sends new changes only: its filter cannot have since or until"));
  }
  // A filter that PostgreSQL refuses is refused now, not when the first change comes.
  TRY(query::condition_of(read));
  if (read.table || read.source) {
    TRY_ASSIGN(auto connection, call.services->destination->reader());
    TRY_ASSIGN(read, query::known_filter(*connection, std::move(read)));
    if (read.primary_key) {
      auto stored = *filter;
      stored["primary_key"] = *read.primary_key;
      wanted.filter = stored.dump();
    }
  }
  wanted.created_by = call.identity->name;
  return wanted;
}

}  // namespace

base::Result<Response> list_webhooks(const Call& call) {
  TRY_ASSIGN(std::string webhooks, call.services->webhooks->list());
  return json("{\"webhooks\": " + webhooks + "}");
}

base::Result<Response> set_webhook(const Call& call) {
  TRY_ASSIGN(deliver::NewWebhook wanted, webhook_in(call));
  std::string details = ordered_json{
      {"url", wanted.url},
      {"filter", ordered_json::parse(wanted.filter)},
      {"enabled",
       wanted.is_enabled}}.dump();
  TRY_ASSIGN(std::optional<std::string> secret,
             recorded(call, "webhook set", wanted.name, details,
                      [&] { return call.services->webhooks->set(wanted); }));
  return json(
      ordered_json{{"secret", secret ? ordered_json(*secret) : ordered_json(nullptr)}}.dump());
}

base::Result<Response> remove_webhook(const Call& call) {
  std::string name(call.tail);
  TRY_ASSIGN(bool was_there, recorded(call, "webhook remove", name, "",
                                      [&] { return call.services->webhooks->remove(name); }));
  if (!was_there) return problem(404, "there is no webhook of this name");
  return Response{.status = 204, .content_type = ""};
}

base::Result<Response> test_webhook(const Call& call) {
  TRY_ASSIGN(ordered_json body, body_of(call, test_fields));
  TRY_ASSIGN(std::string name, text_of(body, "name"));
  TRY_ASSIGN(std::optional<deliver::DueWebhook> webhook, call.services->webhooks->one(name));
  if (!webhook) return problem(404, "there is no webhook of this name");
  std::string message = ordered_json{{"type", "test"}, {"webhook", name}}.dump();
  deliver::Delivery delivery = deliver::deliver(*webhook, "msg_test", message,
                                                *call.services->reachable, call.services->stopping);
  return json(ordered_json{
      {"taken", delivery.is_taken}, {"status", delivery.status}, {"problem", delivery.problem}}
                  .dump());
}

}  // namespace bemi::serve
