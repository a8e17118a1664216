# SPDX-License-Identifier: LGPL-3.0-or-later
"""What of a statement's text leaves the process: no constants, unless they are wanted; passwords never.

A statement's parameters are not in its text. Constants that somebody wrote, or had SQLAlchemy write, into it are.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

MASK = "'***'"
NUMBER = "?"

# PostgreSQL's lexical rules, as far as they say where a constant begins and ends. Identifiers and comments
# are matched so that what looks like a constant in them is none.
_TOKEN = r"""
    (?P<comment>--[^\n]*|/\*)
    |(?P<name>(?:\b[uU]&)?"(?:[^"]|"")*(?:"|\Z))
    |(?P<text>
        \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
        |(?:\b[uU]&|\b[bBxXnN])?'(?:[^']|'')*(?:'|\Z)
        |(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    )
    |(?P<number>(?<![\w$:%])(?:\d[\d_]*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w)|(?<![\w$:%])0[xXoObB]\w+)
    |(?P<word>[^\W\d][\w$]*)
"""
_FIRST_WORD = r"\A(?:\s+|--[^\n]*\n|/\*.*?\*/|\()*(\w+)"
# Their constants are an application's data; in other statements that speak of a password, it is one.
_OF_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH", "VALUES", "COPY", "TABLE"})


class _Token(NamedTuple):
    kind: str | None
    begin: int
    end: int


def masked(statement: str, literals: bool = False) -> str:
    """The text without any constant; with `literals`, without passwords only.

    >>> masked("UPDATE item SET name = 'pear' WHERE id = 5")
    "UPDATE item SET name = '***' WHERE id = ?"
    >>> masked("ALTER ROLE bob PASSWORD 'secret'", literals=True)
    "ALTER ROLE bob PASSWORD '***'"
    """
    if not literals:
        # Most texts that SQLAlchemy makes have none.
        return _replaced(statement, _all(statement)) if _constant().search(statement) else statement
    if "password" not in statement.lower():
        return statement
    first = re.match(_FIRST_WORD, statement, re.DOTALL)
    if first is None or first[1].upper() not in _OF_ROWS:
        return _replaced(statement, (token for token in _all(statement) if token.kind == "text"))
    return _replaced(statement, _after_the_word_password(statement))


@functools.cache
def _pattern() -> re.Pattern[str]:
    return re.compile(_TOKEN, re.VERBOSE | re.DOTALL)


@functools.cache
def _constant() -> re.Pattern[str]:
    return re.compile(r"'|(?<![\w$:%])\.?\d|\$(?:[^\W\d]\w*)?\$")


def _tokens(statement: str) -> Iterator[_Token]:
    position, search = 0, _pattern().search
    while (found := search(statement, position)) is not None:
        position = found.end()
        if found[0] == "/*":
            position = _end_of_comment(statement, position)
        yield _Token("text" if found.lastgroup == "tag" else found.lastgroup, found.start(), position)


def _end_of_comment(statement: str, position: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        opened, closed = statement.find("/*", position), statement.find("*/", position)
        if closed < 0:
            return len(statement)
        if 0 <= opened < closed:
            depth, position = depth + 1, opened + 2
        else:
            depth, position = depth - 1, closed + 2
    return position


def _all(statement: str) -> Iterator[_Token]:
    return (token for token in _tokens(statement) if token.kind in ("text", "number"))


def _after_the_word_password(statement: str) -> Iterator[_Token]:
    """For a text of several statements, of which the first one is of rows."""
    is_next = False
    for token in _tokens(statement):
        if token.kind == "comment":
            continue
        if is_next and token.kind == "text":
            yield token
        is_next = token.kind == "word" and statement[token.begin : token.end].lower() == "password"


def _replaced(statement: str, tokens: Iterator[_Token]) -> str:
    parts: list[str] = []
    position = 0
    for token in tokens:
        parts += statement[position : token.begin], MASK if token.kind == "text" else NUMBER
        position = token.end
    return "".join([*parts, statement[position:]])
