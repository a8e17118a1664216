// SPDX-License-Identifier: LGPL-3.0-or-later
//
// Whether what is stored of a table still says what it said, after the table was altered.
#pragma once

#include "change/relation.hpp"

namespace bemi::render {

// A row's key is its name: with another key the rows of before have other names.
bool same_key(const change::Relation& left, const change::Relation& right);

// A column that got another type without being rewritten (timestamp to timestamptz in UTC, int to
// oid), or whose type got other attributes, has other values all the same.
bool reads_otherwise(const change::Relation& known, const change::Relation& now);

// A generated column that became an ordinary one (DROP EXPRESSION) keeps values that nobody sent.
bool sends_more(const change::Relation& known, const change::Relation& now);

}  // namespace bemi::render
