// SPDX-License-Identifier: LGPL-3.0-or-later
#include "change/json_fields.hpp"

#include <limits>

#include <nlohmann/json.hpp>

#include "base/limits.hpp"

namespace bemi::change {
namespace {

using nlohmann::json;

std::unexpected<base::Error> wrong(const char* member) {
  return base::fail(base::ErrorKind::malformed_message,
                    std::string("the member ") + member + " is not what it must be");
}

// Null when it is not there.
const json* find(const json& object, const char* member) {
  if (!object.is_object()) return nullptr;
  auto found = object.find(member);
  return found == object.end() ? nullptr : &*found;
}

bool is_name(const json& value) {
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  return !text.empty() && text.size() <= base::limits::name_bytes_max &&
         text.find('\0') == std::string::npos;
}

bool is_within(const json& value, std::int64_t smallest, std::int64_t largest) {
  if (value.is_number_unsigned()) {
    auto number = value.get<std::uint64_t>();
    return number <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) &&
           static_cast<std::int64_t>(number) >= smallest &&
           static_cast<std::int64_t>(number) <= largest;
  }
  if (!value.is_number_integer()) return false;
  auto number = value.get<std::int64_t>();
  return number >= smallest && number <= largest;
}

constexpr std::int64_t oid_max = std::numeric_limits<Oid>::max();

}  // namespace

base::Result<std::string> name_member(const json& object, const char* member) {
  const json* value = find(object, member);
  if (value == nullptr || !is_name(*value)) return wrong(member);
  return value->get<std::string>();
}

base::Result<std::string> text_member(const json& object, const char* member) {
  const json* value = find(object, member);
  if (value == nullptr || !value->is_string()) return wrong(member);
  auto text = value->get<std::string>();
  if (text.find('\0') != std::string::npos) return wrong(member);
  return text;
}

base::Result<std::int64_t> number_member(const json& object, const char* member,
                                         std::int64_t smallest, std::int64_t largest) {
  const json* value = find(object, member);
  if (value == nullptr || !is_within(*value, smallest, largest)) return wrong(member);
  return value->get<std::int64_t>();
}

base::Result<Oid> oid_member(const json& object, const char* member) {
  TRY_ASSIGN(std::int64_t number, number_member(object, member, 0, oid_max));
  return static_cast<Oid>(number);
}

base::Result<Oid> optional_oid(const json& object, const char* member) {
  if (find(object, member) == nullptr) return Oid{0};
  return oid_member(object, member);
}

base::Result<bool> flag_member(const json& object, const char* member, bool otherwise) {
  const json* value = find(object, member);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) return wrong(member);
  return value->get<bool>();
}

base::Result<std::string> optional_text(const json& object, const char* member) {
  if (find(object, member) == nullptr) return std::string();
  return text_member(object, member);
}

base::Result<std::vector<std::string>> name_list(const json& object, const char* member) {
  std::vector<std::string> names;
  const json* list = find(object, member);
  if (list == nullptr) return names;
  if (!list->is_array()) return wrong(member);
  for (const json& value : *list) {
    if (!is_name(value)) return wrong(member);
    names.push_back(value.get<std::string>());
  }
  return names;
}

base::Result<std::vector<Oid>> oid_list(const json& object, const char* member) {
  std::vector<Oid> oids;
  const json* list = find(object, member);
  if (list == nullptr) return oids;
  if (!list->is_array()) return wrong(member);
  for (const json& value : *list) {
    if (!is_within(value, 0, oid_max)) return wrong(member);
    oids.push_back(value.get<Oid>());
  }
  return oids;
}

}  // namespace bemi::change
