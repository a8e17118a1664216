// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Reads a request's JSON body by the contract. An unknown field is an
// error, so that no typo goes unseen.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "serve/router.hpp"

namespace bemi::serve {

base::Error wrong(const std::string& what);
// The only reader of JSON from clients. It limits depth and size, so that code which copies,
// compares or prints the result (all by recursion) is safe. Errors of kind usage.
base::Result<nlohmann::ordered_json> read_json(std::string_view text);
base::Result<nlohmann::ordered_json> body_of(const Call& call,
                                             std::span<const std::string_view> known);
// The same of an object within it.
base::Status only_fields(const nlohmann::ordered_json& object,
                         std::span<const std::string_view> known);
// Empty where it is not there.
base::Result<std::string> text_of(const nlohmann::ordered_json& body, const char* name);
base::Result<bool> truth_of(const nlohmann::ordered_json& body, const char* name, bool otherwise);

}  // namespace bemi::serve
