// SPDX-License-Identifier: LGPL-3.0-or-later
#include "render/source_catalog.hpp"

namespace bemi::render {
namespace {

class LiveCatalog final : public SourceCatalog {
 public:
  explicit LiveCatalog(pg::Connection& source) : source_(&source) {}

  [[nodiscard]] std::string server_encoding() const override { return source_->server_encoding(); }
  base::Status wait_until_visible(std::uint64_t transaction_id) override {
    return wal::wait_until_visible(*source_, transaction_id);
  }
  base::Status resolve_types(change::Relation& relation, change::TypeCatalog& types) override {
    return wal::resolve_types(*source_, relation, types);
  }
  base::Result<wal::CatalogEntry> look_up(change::Oid oid) override {
    return wal::look_up(*source_, oid);
  }
  base::Result<change::Oid> root_of(change::Oid oid) override {
    return wal::root_of(*source_, oid);
  }
  base::Result<std::vector<wal::ColumnTie>> column_ties(change::Oid oid) override {
    return wal::column_ties(*source_, oid);
  }
  base::Result<std::vector<std::string>> type_texts(const change::Relation& relation) override {
    return wal::type_texts(*source_, relation);
  }
  base::Result<change::Relation> read_relation(change::Oid oid) override {
    return wal::read_relation(*source_, oid);
  }

 private:
  pg::Connection* source_;
};

}  // namespace

std::unique_ptr<SourceCatalog> live_catalog(pg::Connection& source) {
  return std::make_unique<LiveCatalog>(source);
}

}  // namespace bemi::render
