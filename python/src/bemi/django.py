# SPDX-License-Identifier: LGPL-3.0-or-later
"""Django: a context per request, passed by Django's own database connections.

>>> INSTALLED_APPS = [..., "bemi.django.BemiConfig"]
>>> MIDDLEWARE = ["bemi.django.BemiMiddleware", ...]
>>> BEMI_SET_CONTEXT = "shop.audit.of_request"  # or the callable itself: request -> dict
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string

from . import _trace
from ._context import Holder, enter, leave
from ._conversation import MAY_EMIT, Conversation, Memory, Options, Said
from ._drivers import Execution, driver_named
from ._failures import note_failure
from ._statement import kind_of

_TAP = "bemi_tap"


class BemiConfig(AppConfig):  # type: ignore[misc]
    """Listens to the connections that Django makes to PostgreSQL, with psycopg 3 or psycopg2."""

    name = "bemi.django"
    label = "bemi"

    def ready(self) -> None:
        connection_created.connect(_on_connection, dispatch_uid="bemi")


class BemiMiddleware:
    """Gives every write of a request the context that ``settings.BEMI_SET_CONTEXT(request)`` returns.

    The callable runs at the request's first write, once: it sees ``request.user`` although this
    middleware stands first. The headers ``traceparent`` and ``x-request-id`` go along as ``trace_id``,
    ``span_id`` and ``request_id``.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.set_context = _set_context()
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if iscoroutinefunction(self):
            return self._call_async(request)
        with self._in_force(request):
            return self.get_response(request)

    async def _call_async(self, request: Any) -> Any:
        with self._in_force(request):
            return await self.get_response(request)

    @contextmanager
    def _in_force(self, request: Any) -> Iterator[None]:
        headers = Holder(_trace.from_headers(request.headers.get))
        resolve = self.set_context and functools.partial(self.set_context, request)
        holder = Holder(parent=headers, resolve=resolve)
        token = enter(holder)
        try:
            yield
        finally:
            holder.frozen = True  # a thread that goes on keeps what it saw
            leave(token)


def _set_context() -> Callable[[Any], Any] | None:
    found = getattr(settings, "BEMI_SET_CONTEXT", None)
    return import_string(found) if isinstance(found, str) else found


class _Tap:
    """Stands between one of Django's connections and its driver."""

    def __init__(self, wrapper: Any, conversation: Conversation) -> None:
        self.conversation = conversation
        self._wrapper = wrapper
        self._memory: Memory = {}
        self._commit = wrapper._commit
        self._rollback = wrapper._rollback
        wrapper._commit = self._on_commit
        wrapper._rollback = self._on_rollback
        wrapper.execute_wrappers.insert(0, self._on_execute)

    def _on_execute(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        connection = self._wrapper.connection
        if not isinstance(sql, str) or connection is None:
            return execute(sql, params, many, context)
        results = []

        def run(text: str) -> None:
            results.append(execute(text, params, many, context))

        execution = Execution(connection, context["cursor"].cursor, sql, run, many)
        self.conversation.execute(kind_of(sql), Said(sql), execution, self._memory)
        return results[0]

    def _on_commit(self) -> None:
        connection = self._wrapper.connection
        if connection is None:
            self._commit()
            return
        with self._wrapper.wrap_database_errors:
            self.conversation.commit(Said(), connection, self._memory, self._commit)

    def _on_rollback(self) -> None:
        self.conversation.forget(self._memory)
        self._rollback()

    def start_afresh(self) -> None:
        self.conversation.forget(self._memory)


def _on_connection(sender: Any, connection: Any, **_: Any) -> None:
    """A new connection to a server; Django keeps its wrapper when it connects again."""
    if connection.vendor != "postgresql":
        return
    tap: _Tap | None = getattr(connection, _TAP, None)
    if tap is not None:
        tap.start_afresh()
        return
    raw = connection.connection
    driver = driver_named(type(raw).__module__.partition(".")[0], is_async=False)
    if driver is None:
        return
    conversation = Conversation(driver, Options(sql=getattr(settings, "BEMI_SQL", True)))
    setattr(connection, _TAP, _Tap(connection, conversation))
    try:
        with raw.cursor() as cursor:
            cursor.execute(MAY_EMIT)
            conversation.learn(bool(cursor.fetchone()[0]))
    except Exception as error:
        note_failure("the server does not look like PostgreSQL 14 or newer", error)
