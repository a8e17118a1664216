# SPDX-License-Identifier: LGPL-3.0-or-later
"""The context message: the JSON text that travels in the WAL (contracts/context-message.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from ._failures import note_failure

PREFIX = "_bemi"
BYTES_MAX = 1 << 20

Scope = Literal["previous", "next", "transaction"]


def build(values: Mapping[str, Any], sql: str | None, scope: Scope) -> str | None:
    """The message's text; None when it cannot be sent, which is noted."""
    content = dict(values)
    if sql is not None:
        content["SQL"] = sql
    content["_bemi"] = {"v": 1, "scope": scope}
    try:
        # ASCII only: whatever the connection's encoding is, the text arrives as it left.
        text = json.dumps(content, default=_faithful, allow_nan=False)
    except Exception as error:
        note_failure("context cannot be serialised", error)
        return None
    if len(text) > BYTES_MAX:
        note_failure("context is over 1 MB", f"{len(text)} bytes")
        return None
    return text


def _faithful(value: object) -> object:
    """What json does not know: dates, decimals, UUIDs and the rest as their text, bytes as hex."""
    isoformat = getattr(value, "isoformat", None)
    if callable(isoformat):
        return isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, (set, frozenset)):
        return list(value)
    return str(value)
