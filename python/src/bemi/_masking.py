# SPDX-License-Identifier: LGPL-3.0-or-later
"""What of a statement's text leaves the process: passwords never, other constants by choice.

A statement's parameters are not in its text. Constants that somebody wrote, or had SQLAlchemy write, into it are.
"""

from __future__ import annotations

import re

MASK = "'***'"

# PostgreSQL's lexical rules, as far as they say where a constant begins and ends. Identifiers and comments
# are matched so that what looks like a constant in them is none.
_TOKEN = re.compile(
    r"""
    (?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<name>"(?:[^"]|"")*(?:"|\Z))
    |(?P<text>
        \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z)
        |(?:\b[uU]&|\b[bBxXnN])?'(?:[^']|'')*(?:'|\Z)
        |(?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?(?:\$(?P=tag)\$|\Z)
    )
    |(?P<number>(?<![\w$:%])(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?!\w))
    |(?P<word>[^\W\d][\w$]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_PASSWORD = re.compile("password", re.IGNORECASE)
_FIRST_WORD = re.compile(r"\A(?:\s+|--[^\n]*\n|/\*.*?\*/|\()*(\w+)", re.DOTALL)
# Their constants are an application's data; in other statements that speak of a password, it is one.
_OF_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "SELECT", "WITH", "VALUES", "COPY", "TABLE"})


def masked(statement: str, literals: bool = True) -> str:
    """The text without passwords; with `literals` false, without any constant.

    >>> masked("ALTER ROLE bob PASSWORD 'secret'")
    "ALTER ROLE bob PASSWORD '***'"
    """
    if not literals:
        return _TOKEN.sub(_without_constant, statement)
    if _PASSWORD.search(statement) is None:
        return statement
    first = _FIRST_WORD.match(statement)
    if first is None or first[1].upper() not in _OF_ROWS:
        return _TOKEN.sub(_without_text, statement)
    return _after_the_word_password(statement)


def _without_constant(token: re.Match[str]) -> str:
    if token["text"] is not None:
        return MASK
    return "0" if token["number"] is not None else token[0]


def _without_text(token: re.Match[str]) -> str:
    return MASK if token["text"] is not None else token[0]


def _after_the_word_password(statement: str) -> str:
    """For a text of several statements, of which the first one is of rows."""
    is_next = False

    def replace(token: re.Match[str]) -> str:
        nonlocal is_next
        was_next, is_next = is_next, _PASSWORD.fullmatch(token["word"] or "") is not None
        if token["comment"] is not None:
            is_next = was_next
        return MASK if was_next and token["text"] is not None else token[0]

    return _TOKEN.sub(replace, statement)
