// SPDX-License-Identifier: LGPL-3.0-or-later
#include <algorithm>

#include "base/json.hpp"
#include "deliver/live_feed.hpp"
#include "query/destination.hpp"
#include "query/feed.hpp"
#include "query/known_names.hpp"
#include "serve/api/csv.hpp"
#include "serve/api/cursor.hpp"
#include "serve/api/handlers.hpp"
#include "serve/api/recorded.hpp"
#include "serve/limits.hpp"
#include "serve/problem.hpp"

namespace bemi::serve {
namespace {

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "[" : ", ") + item;
  return text.empty() ? "[]" : text + "]";
}

// Each piece is a page of its own: no transaction stays open while a reader takes their time.
class ChangesDownload : public Download {
 public:
  ChangesDownload(query::Destination& destination, query::ChangeFilter filter, bool is_csv)
      : destination_(&destination), filter_(std::move(filter)), is_csv_(is_csv) {}

  base::Result<std::optional<std::string>> next() override {
    if (is_over_) return std::nullopt;
    TRY_ASSIGN(auto connection, destination_->reader());
    TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
    TRY_ASSIGN(query::FeedPage page, feed.older(filter_, from_, export_page));
    std::string piece = is_csv_ && !from_ ? csv_header() : "";
    for (const std::string& change : page.changes) {
      piece += is_csv_ ? csv_line(change) : one_line(change) + "\n";
    }
    is_over_ = !page.next;
    from_ = page.next;
    return piece;
  }

 private:
  query::Destination* destination_;
  query::ChangeFilter filter_;
  bool is_csv_;
  bool is_over_ = false;
  std::optional<query::Cursor> from_;
};

// Readers with the same parameters have the same filter.
std::string key_of(const Request& request) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : request.query) {
    if (name != "last_event_id") parts.push_back(name + '\x01' + value + '\x02');
  }
  std::ranges::sort(parts);
  std::string key;
  for (const std::string& part : parts) key += part;
  return key;
}

// The query's parameters as a JSON object.
std::string asked(const Request& request) {
  std::string json = "{";
  for (const auto& [name, value] : request.query) {
    if (json.size() > 1) json.push_back(',');
    base::append_json_string(json, name);
    json.push_back(':');
    base::append_json_string(json, value);
  }
  return json + "}";
}

}  // namespace

base::Result<Response> changes(const Call& call) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(*call.request));
  TRY_ASSIGN(std::int64_t limit,
             number_of(*call.request, "limit", page_changes_default, page_changes_max));
  std::optional<query::Cursor> from;
  if (auto text = given(*call.request, "cursor")) {
    TRY_ASSIGN(from, read_cursor(*text));
  }
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
  TRY_ASSIGN(query::FeedPage page, feed.older(filter, from, limit));
  std::string next = page.next ? '"' + write_cursor(*page.next) + '"' : "null";
  return json("{\"changes\": " + list(page.changes) + ", \"next\": " + next + "}");
}

base::Result<Response> change(const Call& call) {
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
  TRY_ASSIGN(auto found, feed.one(std::string(call.tail)));
  if (!found) return problem(404, "there is no change of this id");
  return json(std::move(*found));
}

base::Result<Response> histogram(const Call& call) {
  constexpr std::int64_t buckets_default = 80;
  constexpr std::int64_t buckets_max = 500;
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(*call.request));
  TRY_ASSIGN(std::int64_t buckets,
             number_of(*call.request, "buckets", buckets_default, buckets_max));
  TRY_ASSIGN(auto connection, call.services->destination->reader());
  TRY_ASSIGN(query::Feed feed, query::Feed::open(*connection));
  TRY_ASSIGN(std::string counts,
             feed.histogram(filter, static_cast<int>(std::max<std::int64_t>(buckets, 1))));
  return json(std::move(counts));
}

base::Result<Response> download(const Call& call) {
  std::string format = given(*call.request, "format").value_or("jsonl");
  if (format != "jsonl" && format != "csv") return problem(400, "format is jsonl or csv");
  bool is_csv = format == "csv";
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(*call.request));
  auto download = std::make_unique<ChangesDownload>(*call.services->destination, filter, is_csv);
  // A wrong query is refused before the answer begins.
  TRY_ASSIGN(
      std::optional<std::string> first,
      recorded(call, "export", format, asked(*call.request), [&] { return download->next(); }));
  Response response{.content_type = is_csv ? "text/csv; charset=utf-8" : "application/x-ndjson"};
  response.headers.emplace_back("Content-Disposition",
                                "attachment; filename=\"changes." + format + "\"");
  response.body = first.value_or("");
  response.download = std::move(download);
  return response;
}

base::Result<Response> stream(const Call& call) {
  TRY_ASSIGN(query::ChangeFilter filter, filter_of(*call.request));
  if (filter.since || filter.until) return problem(400, "a live stream has no since and until");
  // An error in the filter would otherwise meet all readers.
  query::Where where;
  TRY(query::add_filter(where, filter));
  if (filter.table || filter.source) {
    TRY_ASSIGN(auto connection, call.services->destination->reader());
    TRY_ASSIGN(filter, query::known_filter(*connection, std::move(filter)));
  }
  std::string last(call.request->header("last-event-id"));
  if (last.empty()) last = given(*call.request, "last_event_id").value_or("");
  std::optional<query::Seen> resume;
  if (!last.empty()) {
    TRY_ASSIGN(resume, deliver::read_event_id(last));
  }
  Response response{.content_type = "text/event-stream"};
  response.headers.emplace_back("X-Accel-Buffering", "no");
  response.events = std::make_shared<deliver::Subscription>(filter, key_of(*call.request), resume);
  return response;
}

}  // namespace bemi::serve
