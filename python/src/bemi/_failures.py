# SPDX-License-Identifier: LGPL-3.0-or-later
"""Failures of context passing: never the application's problem, but never silent either."""

import logging
from collections import Counter

_log = logging.getLogger("bemi")

# Number of failures of each kind in this process.
failures: Counter[str] = Counter()


def note_failure(kind: str, error: object) -> None:
    """Counts it, and logs the first of its kind."""
    failures[kind] += 1
    if failures[kind] == 1:
        _log.warning("%s: %s; changes are tracked without this context", kind, error)
