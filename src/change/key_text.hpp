// SPDX-License-Identifier: LGPL-3.0-or-later
//
// A row's key as the history names it: its text, or, where that is too long for the history's own
// indexes (a btree takes 2,704 bytes, and the source's had room for the key alone), its beginning
// with its SHA-256. Whatever looks for a row by its key goes through here.
#pragma once

#include <string>
#include <string_view>

namespace bemi::change {

// "the first 64 characters…sha256:6b86b273…" of a text beyond the limit; others as they are. A text
// that only looks like such a name gets one of its own, so that no row takes another's name.
std::string key_name(std::string text);
// The same of a JSON array of texts, as keys of several columns are: a JSON array of one text.
std::string key_list_name(std::string text);

// Accepts either form in a question: a name as stored, or the whole text of a key.
std::string asked_key_name(std::string text);

}  // namespace bemi::change
