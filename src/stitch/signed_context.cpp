// SPDX-License-Identifier: LGPL-3.0-or-later
#include "stitch/signed_context.hpp"

#include <nlohmann/json.hpp>

#include "base/number.hpp"
#include "change/context_key.hpp"

namespace bemi::stitch {
namespace {

using nlohmann::json;

constexpr std::string_view before_mac = R"(,"mac":")";
constexpr std::string_view after_mac = R"("}})";
constexpr std::size_t tail_characters = before_mac.size() + mac_characters + after_mac.size();
constexpr std::size_t audience_bytes_max = 256;

Scope scope_in(const json& reserved) {
  auto found = reserved.find("scope");
  if (found == reserved.end() || !found->is_string()) return Scope::plain;
  const auto& scope = found->get_ref<const std::string&>();
  if (scope == "previous") return Scope::previous;
  if (scope == "next") return Scope::next;
  if (scope == "transaction") return Scope::transaction;
  return Scope::plain;
}

std::string text_in(const json& reserved, const char* name) {
  auto found = reserved.find(name);
  return found != reserved.end() && found->is_string() ? found->get<std::string>() : "";
}

std::optional<std::int64_t> number_in(const json& reserved, const char* name) {
  auto found = reserved.find(name);
  if (found == reserved.end() || !found->is_number_unsigned()) return std::nullopt;
  auto number = found->get<std::uint64_t>();
  if (!std::in_range<std::int64_t>(number)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

// The mac is the last thing in the message, so that all before it can be signed as it stands.
bool take_mac(std::string_view content, std::string_view member, Signature& signature) {
  bool is_last = member.data() + member.size() + 1 == content.data() + content.size();
  if (!is_last || content.size() < tail_characters) return false;
  std::string_view tail = content.substr(content.size() - tail_characters);
  if (!tail.starts_with(before_mac) || !tail.ends_with(after_mac)) return false;
  signature.mac = tail.substr(before_mac.size(), mac_characters);
  signature.signed_bytes = content.substr(0, content.size() - tail_characters);
  return true;
}

std::optional<Signature> signature_in(const json& reserved, std::string_view content,
                                      std::string_view member) {
  Signature signature{.key_id = text_in(reserved, "kid"),
                      .database = text_in(reserved, "aud"),
                      .session = text_in(reserved, "s")};
  auto version = number_in(reserved, "v");
  auto number = number_in(reserved, "n");
  auto signed_at = number_in(reserved, "t");
  if (version != 1 || !number || !signed_at) return std::nullopt;
  if (!change::is_plain_name(signature.key_id) || !change::is_plain_name(signature.session) ||
      signature.database.size() > audience_bytes_max)
    return std::nullopt;
  signature.number = *number;
  signature.signed_at = {*signed_at};
  if (reserved.contains("x")) {
    signature.transaction_id = base::parse_number<std::uint64_t>(text_in(reserved, "x"));
    if (!signature.transaction_id) return std::nullopt;
  }
  if (!take_mac(content, member, signature)) return std::nullopt;
  return signature;
}

}  // namespace

ReservedMember read_reserved(std::string_view content, std::string_view member) {
  json reserved = json::parse(member, nullptr, /*allow_exceptions=*/false);
  if (!reserved.is_object()) return {};
  ReservedMember read{.scope = scope_in(reserved)};
  read.claims_signature = reserved.contains("kid") || reserved.contains("mac");
  if (read.claims_signature) read.signature = signature_in(reserved, content, member);
  return read;
}

}  // namespace bemi::stitch
