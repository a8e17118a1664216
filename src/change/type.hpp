// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Type: what must be known of a PostgreSQL type to write its text as the JSON that to_jsonb gives.
// Types are keyed by OID, never by name: two schemas may hold the same name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace bemi::change {

using Oid = std::uint32_t;

// The rule by which a type's text becomes JSON (PostgreSQL's json_categorize_type).
enum class JsonForm {
  text,         // a JSON string of the type's own text
  boolean,      // true, false
  number,       // a JSON number; NaN and the infinities as strings
  json,         // itself, but jsonb gives its text back in another form
  jsonb,        // itself
  date,         // ISO 8601
  timestamp,    // ISO 8601 with T
  timestamptz,  // ISO 8601 with T and +00:00
  array,        // nested JSON arrays; element gives the elements' form
  vector,       // int2vector, oidvector: space-separated text, a JSON array
  composite,    // a JSON object; attributes
  hstore,       // a JSON object of strings and nulls
};

struct Type;
using TypePtr = std::shared_ptr<const Type>;

struct Attribute {
  std::string name;
  TypePtr type;
};

struct Type {
  Oid oid = 0;
  std::string name;  // as format_type() says it
  JsonForm form = JsonForm::text;
  char delimiter = ',';               // between the elements of an array of this type's array
  TypePtr element;                    // array, vector
  std::vector<Attribute> attributes;  // composite, in order, without dropped ones
  std::size_t parts = 1;              // itself and all that it is made of, written out
  int depth = 1;
};

// Makes a shared type. A type with too many parts (base/limits.hpp) becomes plain text.
TypePtr make_type(Type type);

// The types known by OID. A domain is entered under its own OID with the form of its base.
class TypeCatalog {
 public:
  TypeCatalog();  // holds the built-in scalar types and their arrays

  [[nodiscard]] TypePtr find(Oid oid) const;  // null when unknown
  void add(Oid oid, TypePtr type);
  // To be looked up again: the stream says that the type may have changed.
  void forget(Oid oid) { types_.erase(oid); }

 private:
  std::unordered_map<Oid, TypePtr> types_;
};

}  // namespace bemi::change
