# SPDX-License-Identifier: LGPL-3.0-or-later
"""The trace that a write belongs to: an active OpenTelemetry span, else a W3C ``traceparent`` header."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

# version-traceid-parentid-flags; https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(
    r"\A(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-|\Z)"
)


_REQUEST_ID_MAX = 200


def from_headers(header: Callable[[str], str | None]) -> dict[str, str]:
    """What a request's headers say, asked by their names in lower case."""
    found: dict[str, str] = {}
    parts = _TRACEPARENT.match((header("traceparent") or "").strip())
    if parts:
        found = {"trace_id": parts[1], "span_id": parts[2]}
    request_id = header("x-request-id")
    if request_id:
        found["request_id"] = request_id[:_REQUEST_ID_MAX]
    return found


def from_active_span() -> dict[str, str]:
    # Who has not imported OpenTelemetry has no span.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    span = trace.get_current_span().get_span_context()
    if not span.is_valid:
        return {}
    return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
