# SPDX-License-Identifier: LGPL-3.0-or-later
"""The trace that a write belongs to: an active OpenTelemetry span, else a W3C ``traceparent`` header."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

# version-traceid-parentid-flags; https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = r"\A(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?:-|\Z)"


_REQUEST_ID_MAX = 200


def from_headers(header: Callable[[str], str | None]) -> dict[str, str]:
    """What a request's headers say, asked by their names in lower case."""
    found: dict[str, str] = {}
    parent = header("traceparent")
    parts = re.match(_TRACEPARENT, parent.strip()) if parent else None
    if parts:
        found = {"trace_id": parts[1], "span_id": parts[2]}
    request_id = header("x-request-id")
    if request_id:
        found["request_id"] = request_id[:_REQUEST_ID_MAX]
    return found


def may_be_active() -> bool:
    """At the least cost: FastAPI imports OpenTelemetry where it is installed, used or not."""
    context = sys.modules.get("opentelemetry.context")
    try:
        return context is not None and len(context.get_current()) > 0
    except Exception:
        return True


def from_active_span() -> dict[str, str]:
    # Without an import of OpenTelemetry, there is no span.
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return {}
    span = trace.get_current_span()
    if span is trace.INVALID_SPAN:
        return {}
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
