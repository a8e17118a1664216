// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A seeded simulation without a server: a model database writes a random log; a model server
// decodes it into pgoutput's bytes, streaming what it likes while it is open; stitcher, decoder and
// row encoder take it, are killed at any message, and go on from what was stored. What is stored at
// the end must be what the model says.
//
//   pipeline_sim [--seed N] [--schedules N]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/number.hpp"
#include "change/relation.hpp"
#include "decode/row.hpp"
#include "stitch/stitcher.hpp"
#include "store/copy_row.hpp"

using namespace bemi;

namespace {

using Xid = std::uint32_t;
using change::Lsn;

constexpr change::Oid table_oid = 16384;

// --- the model database and its log
// ---------------------------------------------------------------

enum class Kind { insert, update, remove, message, rollback_to, commit, abort };

struct Entry {
  Kind kind;
  Xid top = 0;
  Xid sub = 0;  // the (sub)transaction; of a rollback_to the one that is gone
  Lsn lsn;
  int id = 0;
  std::string before;
  std::string after;  // of a message: its JSON
};

// One stored change, as the columns of `changes` that matter here.
using Stored = std::string;

std::string row_json(int id, const std::string& name) {
  return fmt::format(R"({{"id":{},"name":"{}"}})", id, name);
}

struct Schedule {
  std::vector<Entry> log;
  std::vector<Stored> expected;
};

class Database {
 public:
  explicit Database(std::mt19937_64& random) : random_(random) {}

  Schedule run() {
    int transactions = pick(1, 8);
    while (transactions > 0 || !open_.empty()) {
      if (transactions > 0 && (open_.empty() || pick(0, 3) == 0)) {
        --transactions;
        open_.push_back({.top = next_xid_++});
        open_.back().subs = {open_.back().top};
      }
      step(static_cast<std::size_t>(pick(0, static_cast<int>(open_.size()) - 1)));
    }
    return std::move(schedule_);
  }

 private:
  struct Transaction {
    Xid top = 0;
    std::vector<Xid> subs;               // the stack of savepoints
    std::vector<Entry> survivors;        // its changes and messages that were not rolled back
    std::map<int, std::string> written;  // what it made of the rows; empty: gone
  };

  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  // A record is named by where it begins, a message by where it ends: there the next one begins.
  Entry& write(Transaction& transaction, Entry entry) {
    entry.top = transaction.top;
    entry.sub = entry.sub != 0 ? entry.sub : transaction.subs.back();
    bool row = entry.kind == Kind::insert || entry.kind == Kind::update;
    bool shares = row && copying_ == entry.sub && pick(0, 2) == 0;  // COPY gives many rows one
    if (!shares) {
      if (pick(0, 2) == 0) position_ += static_cast<std::uint64_t>(pick(1, 3));
      last_ = position_;
      position_ += 4;
    }
    entry.lsn = {entry.kind == Kind::message ? position_ : last_};
    copying_ = row ? entry.sub : 0;
    schedule_.log.push_back(entry);
    return schedule_.log.back();
  }

  void step(std::size_t at) {
    Transaction& transaction = open_[at];
    switch (pick(0, 9)) {
      case 0: return end(at, pick(0, 3) == 0 ? Kind::abort : Kind::commit);
      case 1: transaction.subs.push_back(next_xid_++); return;
      case 2: return roll_back(transaction);
      case 3: return message(transaction);
      default: change(transaction, pick(1, 12));
    }
  }

  // The server does not say which savepoint a message was of; it goes with the changes that follow
  // it (docs/adr/0002). So here it is never alone, and never inside one.
  void message(Transaction& transaction) {
    if (transaction.subs.size() > 1) return;
    ++messages_;
    transaction.survivors.push_back(write(
        transaction, {.kind = Kind::message, .after = fmt::format(R"({{"m":{}}})", messages_)}));
    if (pick(0, 1) == 0) {
      transaction.subs.push_back(next_xid_++);
      change(transaction, 200 + messages_);
      transaction.subs.pop_back();
    }
    change(transaction, 100 + messages_);
  }

  void change(Transaction& transaction, int id) {
    for (const Transaction& other : open_) {
      if (&other != &transaction && other.written.contains(id)) return;  // a lock is in the way
    }
    auto own = transaction.written.find(id);
    std::string now = own != transaction.written.end() ? own->second
                      : rows_.contains(id)             ? rows_[id]
                                                       : "";
    std::string after = fmt::format("v{}", ++values_);
    Kind kind = now.empty() ? Kind::insert : pick(0, 2) == 0 ? Kind::remove : Kind::update;
    if (kind == Kind::remove) after.clear();
    transaction.survivors.push_back(
        write(transaction, {.kind = kind, .id = id, .before = now, .after = after}));
    transaction.written[id] = after;
  }

  void roll_back(Transaction& transaction) {
    if (transaction.subs.size() < 2) return;
    auto gone = static_cast<std::size_t>(pick(1, static_cast<int>(transaction.subs.size()) - 1));
    // Each of the savepoints from there on is said to be gone, the innermost first.
    while (transaction.subs.size() > gone) {
      Xid sub = transaction.subs.back();
      transaction.subs.pop_back();
      write(transaction, {.kind = Kind::rollback_to, .sub = sub});
      std::erase_if(transaction.survivors, [&](const Entry& entry) { return entry.sub == sub; });
    }
    transaction.written.clear();
    for (const Entry& entry : transaction.survivors) {
      if (entry.kind != Kind::message) transaction.written[entry.id] = entry.after;
    }
  }

  void end(std::size_t at, Kind kind) {
    Transaction transaction = std::move(open_[at]);
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(at));
    position_ += 8;
    write(transaction, {.kind = kind, .sub = transaction.top});
    position_ += 8;  // the commit record's end, which nothing else shares
    if (kind == Kind::abort) return;
    for (const auto& [id, name] : transaction.written) {
      rows_[id] = name;
      if (name.empty()) rows_.erase(id);
    }
    expect(transaction, Lsn{schedule_.log.back().lsn.value + 8});
  }

  // The plain rule: the nearest message before, else the nearest after, else none.
  void expect(const Transaction& transaction, Lsn commit) {
    std::string context;
    for (const Entry& entry : transaction.survivors) {
      if (entry.kind == Kind::message) {
        context = entry.after;
        break;
      }
    }
    if (context.empty()) context = "{}";
    int sequence = 0;
    for (const Entry& entry : transaction.survivors) {
      if (entry.kind == Kind::message) {
        context = entry.after;
        continue;
      }
      const char* name = entry.kind == Kind::insert   ? "CREATE"
                         : entry.kind == Kind::update ? "UPDATE"
                                                      : "DELETE";
      std::string before = entry.before.empty() ? "{}" : row_json(entry.id, entry.before);
      std::string after = entry.after.empty() ? "{}" : row_json(entry.id, entry.after);
      schedule_.expected.push_back(fmt::format("{} {} {} {} {} {} {}", commit.value, sequence++,
                                               name, entry.id, before, after, context));
    }
  }

  std::mt19937_64& random_;
  Schedule schedule_;
  std::vector<Transaction> open_;
  std::map<int, std::string> rows_;
  std::uint64_t position_ = 1000;  // where the next record may begin
  std::uint64_t last_ = 0;         // where the last one began
  Xid copying_ = 0;
  Xid next_xid_ = 700;
  int values_ = 0;
  int messages_ = 0;
};

// --- the model server
// -----------------------------------------------------------------------------

struct Frame {
  Lsn position;
  std::string bytes;
};

class Bytes {
 public:
  explicit Bytes(char type) { text_.push_back(type); }
  template <class Int>
  Bytes& put(Int value) {
    for (int shift = 8 * static_cast<int>(sizeof(Int)) - 8; shift >= 0; shift -= 8) {
      text_.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> shift));
    }
    return *this;
  }
  Bytes& text(std::string_view value) {
    text_.append(value).push_back('\0');
    return *this;
  }
  Bytes& sized(std::string_view value) {
    put(static_cast<std::uint32_t>(value.size()));
    text_.append(value);
    return *this;
  }
  Bytes& row(int id, const std::string& name) {
    put(std::uint16_t{2}).put('t').sized(std::to_string(id)).put('t').sized(name);
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

class Server {
 public:
  Server(std::mt19937_64& random, Lsn start) : random_(random), start_(start) {}

  std::vector<Frame> decode(const std::vector<Entry>& log) {
    for (const Entry& entry : log) {
      take(entry);
      // Streaming begins where the client wants to go on, not before.
      if (entry.lsn >= start_ && chance(4)) stream_one();
    }
    return std::move(out_);
  }

 private:
  struct Open {
    std::vector<const Entry*> waiting;
    std::set<Xid> streamed;  // subtransactions of which something was sent
    bool begun = false;      // a block was sent
  };

  bool chance(int one_in) { return std::uniform_int_distribution<int>(1, one_in)(random_) == 1; }
  void send(Lsn position, Bytes bytes) { out_.push_back({position, bytes.take()}); }

  void take(const Entry& entry) {
    Open& open = open_[entry.top];
    switch (entry.kind) {
      case Kind::rollback_to:
        std::erase_if(open.waiting, [&](const Entry* e) { return e->sub == entry.sub; });
        if (open.streamed.contains(entry.sub)) {
          send(entry.lsn, Bytes('A').put(entry.top).put(entry.sub));
        }
        return;
      case Kind::abort:
        if (open.begun) send(entry.lsn, Bytes('A').put(entry.top).put(entry.top));
        open_.erase(entry.top);
        return;
      case Kind::commit: return commit(entry, open);
      default: open.waiting.push_back(&entry);
    }
  }

  void commit(const Entry& entry, Open& open) {
    Lsn end{entry.lsn.value + 8};
    if (end <= start_) {
      open_.erase(entry.top);
      return;
    }
    if (open.begun) {
      if (!open.waiting.empty()) stream(entry.top, open);
      send(entry.lsn, Bytes('c')
                          .put(entry.top)
                          .put('\0')
                          .put(entry.lsn.value)
                          .put(end.value)
                          .put(std::int64_t{0}));
    } else if (!open.waiting.empty()) {
      send(entry.lsn, Bytes('B').put(entry.lsn.value).put(std::int64_t{0}).put(entry.top));
      shuffle_equals(open.waiting);
      for (const Entry* one : open.waiting) send_entry(*one, 0, described_);
      send(entry.lsn,
           Bytes('C').put('\0').put(entry.lsn.value).put(end.value).put(std::int64_t{0}));
    }
    open_.erase(entry.top);
  }

  void stream_one() {
    for (auto& [top, open] : open_) {
      if (!open.waiting.empty() && chance(2)) return stream(top, open);
    }
  }

  // The server may report equal positions of different subtransactions in any order.
  void shuffle_equals(std::vector<const Entry*>& entries) {
    for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
      bool equal = entries[i]->lsn == entries[i + 1]->lsn && entries[i]->sub != entries[i + 1]->sub;
      if (equal && chance(2)) std::swap(entries[i], entries[i + 1]);
    }
  }

  // A block; each transaction that is streamed describes its relations for itself.
  void stream(Xid top, Open& open) {
    Lsn position = open.waiting.back()->lsn;
    send(position, Bytes('S').put(top).put(static_cast<char>(open.begun ? 0 : 1)));
    bool described = open.begun;
    shuffle_equals(open.waiting);
    for (const Entry* one : open.waiting) {
      send_entry(*one, top, described);
      open.streamed.insert(one->sub);
    }
    send(position, Bytes('E'));
    open.begun = true;
    open.waiting.clear();
  }

  // `top`: 0 outside of a streamed block.
  void send_entry(const Entry& entry, Xid top, bool& described) {
    auto message = [&](char type, Xid xid) {
      Bytes bytes(type);
      if (top != 0) bytes.put(xid);
      return bytes;
    };
    if (entry.kind == Kind::message) {
      return send(
          entry.lsn,
          message('M', top).put('\1').put(entry.lsn.value).text("_bemi").sized(entry.after));
    }
    if (!std::exchange(described, true)) {
      send({}, message('R', entry.sub)
                   .put(table_oid)
                   .text("public")
                   .text("item")
                   .put('f')
                   .put(std::uint16_t{2})
                   .put('\1')
                   .text("id")
                   .put(std::uint32_t{23})
                   .put(std::int32_t{-1})
                   .put('\1')
                   .text("name")
                   .put(std::uint32_t{25})
                   .put(std::int32_t{-1}));
    }
    char type = entry.kind == Kind::insert ? 'I' : entry.kind == Kind::update ? 'U' : 'D';
    Bytes bytes = message(type, entry.sub);
    bytes.put(table_oid);
    if (type != 'I') bytes.put('O').row(entry.id, entry.before);
    if (type != 'D') bytes.put('N').row(entry.id, entry.after);
    send(entry.lsn, std::move(bytes));
  }

  std::mt19937_64& random_;
  Lsn start_;
  std::map<Xid, Open> open_;
  std::vector<Frame> out_;
  bool described_ = false;
};

// --- the worker
// -----------------------------------------------------------------------------------

[[noreturn]] void fail(const std::string& what) {
  fmt::print(stderr, "{}\n", what);
  std::exit(1);
}

class Destination {
 public:
  [[nodiscard]] Lsn durable() const { return durable_; }
  [[nodiscard]] const std::vector<Stored>& rows() const { return rows_; }

  void commit(std::vector<Stored> rows, Lsn position) {
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    durable_ = position;
  }

 private:
  std::vector<Stored> rows_;
  Lsn durable_;
};

change::RelationPtr relation() {
  static const change::TypeCatalog types;
  change::Relation item{.oid = table_oid, .schema = "public", .table = "item"};
  item.columns = {{.name = "id", .type_oid = 23, .in_identity = true, .type = types.find(23)},
                  {.name = "name", .type_oid = 25, .in_identity = true, .type = types.find(25)}};
  item.primary_key = {0};
  return std::make_shared<const change::Relation>(std::move(item));
}

class Worker {
 public:
  explicit Worker(const std::string& directory)
      : budget_(directory, /*bytes_max=*/512), stitcher_(budget_), encoder_("s", "d") {}

  // The rows of the transaction that this frame completes.
  std::optional<std::pair<std::vector<Stored>, Lsn>> take(const Frame& frame) {
    auto done = stitcher_.feed(frame.position, frame.bytes);
    if (!done) fail(done.error().message);
    if (!*done) return std::nullopt;
    stitch::Transaction& transaction = **done;
    encoder_.begin({.id = transaction.xid, .commit_position = transaction.end_lsn}, {}, 1);
    std::vector<Stored> rows;
    std::uint32_t sequence = 0;
    while (true) {
      auto stitched = transaction.next();
      if (!stitched) fail(stitched.error().message);
      if (!*stitched) return std::pair(std::move(rows), transaction.end_lsn);
      if (auto row = render(**stitched, sequence)) rows.push_back(std::move(*row));
    }
  }

 private:
  std::optional<Stored> render(const stitch::Stitched& stitched, std::uint32_t& sequence) {
    static const change::RelationPtr item = relation();
    const decode::Tuple* before = nullptr;
    const decode::Tuple* after = nullptr;
    change::Operation operation{};
    if (const auto* insert = std::get_if<decode::Insert>(&stitched.message)) {
      operation = change::Operation::create;
      after = &insert->after;
    } else if (const auto* update = std::get_if<decode::Update>(&stitched.message)) {
      operation = change::Operation::update;
      before = &update->before;
      after = &update->after;
    } else if (const auto* remove = std::get_if<decode::Delete>(&stitched.message)) {
      operation = change::Operation::delete_;
      before = &remove->before;
    } else {
      return std::nullopt;
    }
    std::string key;
    std::string old_row = "{}";
    std::string new_row = "{}";
    decode::RowRemarks remarks;
    decode::append_primary_key(key, *item, after != nullptr ? *after : *before, nullptr);
    if (before != nullptr) {
      old_row.clear();
      decode::append_row(old_row, *item, *before, nullptr, false, decode::Side::before, remarks);
    }
    if (after != nullptr) {
      new_row.clear();
      decode::append_row(new_row, *item, *after, nullptr, false, decode::Side::after, remarks);
    }
    return stored({.relation = item,
                   .operation = operation,
                   .position = stitched.position,
                   .sequence = sequence++,
                   .has_key = true,
                   .primary_key = key,
                   .before = old_row,
                   .after = new_row,
                   .context = stitched.context});
  }

  // Through COPY's binary format and back.
  Stored stored(const change::Change& change) {
    std::string row;
    auto whole = encoder_.append(row, change, [](std::string&) { return base::Status{}; });
    if (!whole) fail(whole.error().message);
    base::ByteReader reader(row);
    std::vector<std::string_view> fields(reader.integer<std::uint16_t>());
    for (std::string_view& field : fields) {
      auto length = reader.integer<std::uint32_t>();
      if (length != 0xffff'ffff) field = reader.take(length);
    }
    auto columns = std::ranges::count(store::RowEncoder::columns(), ',') + 1;
    if (reader.failed() || !reader.rest().empty() || std::ssize(fields) != columns)
      fail("no row of COPY's");
    auto number = [&](std::size_t at) {
      return base::ByteReader(fields[at]).integer<std::uint64_t>();
    };
    auto json = [&](std::size_t at) { return fields[at].substr(1); };
    return fmt::format("{} {} {} {} {} {} {}", number(15), number(17), fields[6], fields[5],
                       json(7), json(8), json(9));
  }

  stitch::SpoolBudget budget_;
  stitch::Stitcher stitcher_;
  store::RowEncoder encoder_;
};

void run_schedule(std::uint64_t seed, const std::string& directory) {
  std::mt19937_64 random(seed);
  Schedule schedule = Database(random).run();
  Destination destination;
  for (int starts = 0;; ++starts) {
    std::vector<Frame> frames = Server(random, destination.durable()).decode(schedule.log);
    std::size_t killed_at =
        starts < 5 ? std::uniform_int_distribution<std::size_t>(0, frames.size())(random)
                   : frames.size();
    Worker worker(directory);
    std::vector<Stored> uncommitted;
    Lsn position = destination.durable();
    for (std::size_t at = 0; at < killed_at; ++at) {
      auto done = worker.take(frames[at]);
      if (!done) continue;
      uncommitted.insert(uncommitted.end(), done->first.begin(), done->first.end());
      position = done->second;
      bool commits = std::uniform_int_distribution<int>(0, 2)(random) == 0;
      if (commits) destination.commit(std::exchange(uncommitted, {}), position);
    }
    if (killed_at < frames.size()) continue;
    destination.commit(std::move(uncommitted), position);
    break;
  }
  if (destination.rows() == schedule.expected) return;
  fmt::print(stderr, "seed {}: stored, then expected\n", seed);
  for (const Stored& row : destination.rows()) fmt::print(stderr, "  {}\n", row);
  fmt::print(stderr, "--\n");
  for (const Stored& row : schedule.expected) fmt::print(stderr, "  {}\n", row);
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = std::random_device{}();
  std::uint64_t schedules = 20'000;
  for (int i = 1; i + 1 < argc; i += 2) {
    auto value = base::parse_number<std::uint64_t>(argv[i + 1]);
    std::string_view name = argv[i];
    if (!value || (name != "--seed" && name != "--schedules")) {
      fmt::print(stderr, "usage: {} [--seed N] [--schedules N]\n", argv[0]);
      return 2;
    }
    (name == "--seed" ? seed : schedules) = *value;
  }
  fmt::print("seed {}\n", seed);
  for (std::uint64_t at = 0; at < schedules; ++at) run_schedule(seed + at, "/tmp");
  fmt::print("{} schedules: nothing lost, doubled or wrong\n", schedules);
  return 0;
}
