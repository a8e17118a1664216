# SPDX-License-Identifier: LGPL-3.0-or-later
"""Celery: the context travels with a task from who publishes it to the worker that runs it.

>>> import bemi.celery
>>> bemi.celery.install()  # in the modules of the publisher and of the worker

A task's writes have the context of its publisher, and ``task`` and ``task_id`` besides. One that runs at
once (``task_always_eager``, ``apply``) has that of its caller.
"""

from __future__ import annotations

import json
from contextvars import Token
from typing import Any

from celery import signals

from . import _message, _trace
from ._context import Holder, current_context, enter, leave
from ._failures import note_failure

HEADER = "bemi_context"
# Keyed by the task's id. A task that runs eagerly may begin again within itself, by a retry.
_running: dict[str, list[Token[Any]]] = {}


def install() -> None:
    """Listens to Celery's signals. Idempotent."""
    signals.before_task_publish.connect(_before_publish, weak=False, dispatch_uid="bemi")
    signals.task_prerun.connect(_before_run, weak=False, dispatch_uid="bemi")
    signals.task_postrun.connect(_after_run, weak=False, dispatch_uid="bemi")


def _before_publish(headers: dict[str, Any] | None = None, **_: Any) -> None:
    values = {**current_context(), **_trace.from_active_span()}
    # A task that is retried or redelivered keeps what it has.
    if headers is None or not values or HEADER in headers:
        return
    text = _message.build(values, None, "transaction")
    if text is not None:
        headers[HEADER] = text


def _before_run(task_id: str = "", task: Any = None, **_: Any) -> None:
    request = task.request
    if request.is_eager:
        values = current_context()  # nobody published it: it runs within its caller
    else:
        values = _received(getattr(request, HEADER, None) or (request.headers or {}).get(HEADER))
    token = enter(Holder({**values, "task": task.name, "task_id": task_id}))
    _running.setdefault(task_id, []).append(token)


def _after_run(task_id: str = "", **_: Any) -> None:
    tokens = _running.get(task_id)
    if not tokens:
        return
    token = tokens.pop()
    if not tokens:
        del _running[task_id]
    try:
        leave(token)
    except ValueError as error:  # another context than that of its beginning
        note_failure("a task ended elsewhere than it began", error)


def _received(header: Any) -> dict[str, Any]:
    if not isinstance(header, str):
        return {}
    try:
        values: dict[str, Any] = json.loads(header)
        values.pop("_bemi", None)
        return values
    except (ValueError, AttributeError) as error:
        note_failure("a task's context could not be read", error)
        return {}
