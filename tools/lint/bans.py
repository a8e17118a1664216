"""Calls that have no place in our C++, each with what to use in its stead."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Ban:
    pattern: str
    instead: str
    allowed_in: tuple[str, ...] = ()  # layers, or files below src/

    def allows(self, file: str) -> bool:
        return file in self.allowed_in or file.partition("/")[0] in self.allowed_in


def call(names: str, arguments: str = "") -> str:
    """A call of one of the names, free or of std; not a member, not another namespace's."""
    return rf"(?<![\w.>:])(?:std::|::)?(?:{names})\s*\({arguments}"


BANS = (
    Ban(call(r"ato[ifl]|atoll|sto(?:[idlf]|ll|ul|ull|ld)|strto\w+"), "std::from_chars"),
    Ban(call(r"v?sn?printf|strn?cpy|strn?cat|strtok|gets"), "fmt::format or std::string"),
    Ban(call(r"v?f?printf|puts"), "base::log", ("cli", "host", "base/assert.hpp")),
    Ban(r"\bstd::(?:cout|cerr|clog)\b", "base::log", ("cli", "host")),
    Ban(r"\bstd::endl\b", "'\\n', which does not flush"),
    Ban(call(r"s?rand|random"), "a seeded engine that the caller passes"),
    Ban(r"\bsystem_clock::now\b", "base::Timestamp::now", ("base/clock.cpp",)),
    Ban(call("time", r"\s*(?:nullptr|NULL|0|&)") + "|" + call("gettimeofday"), "base::Timestamp"),
    Ban(call(r"(?:localtime|gmtime|ctime|asctime|strftime)(?:_r)?"), "base::format(Timestamp)"),
    Ban(r"\bthis_thread::sleep_\w+|" + call("u?sleep"), "a wait that base::Interrupt ends"),
    Ban(call(r"(?:quick_|_)?exit|terminate"), "an Error, returned", ("cli", "host")),
    Ban(call("abort"), "an Error, returned, or ASSERT", ("cli", "host", "base/assert.hpp")),
    Ban(call("assert"), "ASSERT, which stays in release"),
    Ban(call("malloc|calloc|realloc|free"), "an owner, such as std::unique_ptr"),
    Ban(r"(?<!operator )\bnew\s+[\w:]", "an owner, such as std::make_unique"),
    Ban(r"(?<!= )(?<!operator )\bdelete\b", "an owner, such as std::unique_ptr"),
    Ban(call("getenv"), "a value from the configuration", ("cli", "host")),
    Ban(r"\bthrow\b", "base::Result"),
    Ban(r"\bstd::async\b", "std::jthread, which somebody joins"),
    Ban(r"\bstd::regex\b", "a scan by hand: std::regex recurses on its input"),
    Ban(call("PQescapeString|PQescapeBytea"), "the form that asks the connection's encoding"),
    Ban(call("PQexec|PQexecParams"), "pg::Connection, whose waits can be interrupted"),
)


def banned(file: str, code: str) -> Iterator[tuple[int, str]]:
    """Offset and message of each banned call in `code`, which has no comments or literals."""
    for ban in BANS:
        if ban.allows(file):
            continue
        for match in re.finditer(ban.pattern, code):
            yield match.start(), f"no `{match[0].strip()}` here: use {ban.instead}"
