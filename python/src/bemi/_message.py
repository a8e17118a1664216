# SPDX-License-Identifier: LGPL-3.0-or-later
"""The context message: the JSON text that travels in the WAL (contracts/context-message.schema.json)."""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Literal

from ._failures import note_failure

if TYPE_CHECKING:
    from ._signing import Signing

PREFIX = "_bemi"
BYTES_MAX = 1 << 20
# What the end of a message may take of it: with a signature, and a long database's name in escapes.
END_BYTES_MAX = 1 << 10
# Statements of generated code can be endless; the beginning says what they are.
SQL_MAX = 1 << 14
CUT = " ..."

Scope = Literal["previous", "next", "transaction"]


# The end of every message.
_ENDS: dict[Scope, str] = {
    scope: json.dumps({"_bemi": {"v": 1, "scope": scope}})[1:]
    for scope in ("previous", "next", "transaction")
}


# jsonb refuses these, written as json.dumps writes them: NUL and half of a surrogate pair.
def _is_storable(text: str) -> bool:
    # Compiled when it is first needed, as all patterns here: an import should cost next to nothing.
    return "\\u" not in text or not re.search(r"\\u0000|\\ud[89a-f]", text, re.IGNORECASE)


def build(values: Mapping[str, Any], sql: str | None, scope: Scope) -> str | None:
    """The message's text, in ASCII; None when it cannot be sent, which is noted."""
    content = dict(values)
    if sql is not None:
        content["SQL"] = sql if len(sql) <= SQL_MAX + len(CUT) else sql[:SQL_MAX] + CUT
    content["_bemi"] = {"v": 1, "scope": scope}
    try:
        text = _dump(content)
    except Exception as error:
        note_failure("context cannot be serialised", error)
        return None
    if len(text) > BYTES_MAX:
        note_failure("context is over 1 MB", f"{len(text)} bytes")
        return None
    return text


def members(values: dict[str, Any], with_sql: bool) -> str:
    """A context as members of a JSON object, without its braces; empty when it cannot be sent, which is noted.

    :param with_sql: the message has an `SQL` of its own.
    """
    if "_bemi" in values or (with_sql and "SQL" in values):
        values = {k: v for k, v in values.items() if k != "_bemi" and not (with_sql and k == "SQL")}
    try:
        text = _flat(values)
        return _dump(values)[1:-1] if text is None else text
    except Exception as error:
        note_failure("context cannot be serialised", error)
        return ""


def _flat(values: dict[str, Any]) -> str | None:
    """What :func:`_dump` says, for a context as most are: of texts and whole numbers. None for others."""
    parts = []
    for key, value in values.items():
        if type(value) is str:
            text = _quoted(value)
        elif type(value) is int:
            text = str(value)
        elif value is None:
            text = "null"
        else:
            return None
        if type(key) is not str:
            return None
        parts.append(f"{_quoted(key)}: {text}")
    whole = ", ".join(parts)
    return whole if _is_storable(whole) else None


def sql_member(sql: str) -> str:
    return '"SQL": ' + _dump(sql)


def joined(context: str, sql: str, scope: Scope, signing: Signing | None = None) -> str:
    """The message's text of its members, any of which may be empty."""
    if len(context) + len(sql) > BYTES_MAX - END_BYTES_MAX:
        note_failure("context is over 1 MB", f"{len(context)} bytes")
        context = ""
    if signing is not None:
        try:
            return signing.signed(f"{context}, {sql}" if context and sql else context or sql, scope)
        except Exception as error:
            note_failure("a context could not be signed", error)
    if context and sql:
        return f"{{{context}, {sql}, {_ENDS[scope]}"
    return f"{{{context or sql}, {_ENDS[scope]}" if context or sql else "{" + _ENDS[scope]


def _dump(content: object) -> str:
    try:
        text = _ENCODER.encode(content)
        if _is_storable(text):
            return text
    except (ValueError, TypeError):
        pass  # NaN, a key that is no text, or a circle; the last fails again
    return json.dumps(_storable(content, depth=0), allow_nan=False)


def _faithful(value: object) -> object:
    """What json does not know: dates, decimals, UUIDs and the rest as their text, bytes as hex."""
    if isinstance(value, enum.Enum):
        return value.value
    isoformat = getattr(value, "isoformat", None)
    if callable(isoformat):
        return isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (AbstractSet, Sequence)) and not isinstance(value, str):
        return list(value)
    return str(value)


# ASCII only: whatever the connection's encoding is, the text arrives as it left.
_ENCODER = json.JSONEncoder(default=_faithful, allow_nan=False)

_quoted = json.encoder.encode_basestring_ascii
_DEPTH_MAX = 200


def _storable(value: object, depth: int) -> object:
    """The value without what jsonb cannot hold: such characters stay visible as their escape."""
    if depth > _DEPTH_MAX:
        raise ValueError("nested too deeply, or in a circle")
    if isinstance(value, str):
        return _visible(str(value))
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)  # NaN and Infinity as text
    if isinstance(value, Mapping):
        return {_visible(str(k)): _storable(v, depth + 1) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_storable(item, depth + 1) for item in value]
    return _storable(_faithful(value), depth + 1)


def _visible(text: str) -> str:
    if not text.isascii():
        # Two halves of a pair become one character; a lone half is shown as its escape.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        text = "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text.replace("\0", "\\u0000")
