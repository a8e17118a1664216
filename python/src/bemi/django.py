# SPDX-License-Identifier: LGPL-3.0-or-later
"""Django: a context per request, passed by Django's own database connections.

>>> INSTALLED_APPS = [..., "bemi.django.BemiConfig"]
>>> MIDDLEWARE = ["bemi.django.BemiMiddleware", ...]
>>> BEMI_SET_CONTEXT = "shop.audit.of_request"  # or the callable itself: request -> dict; or, by key:
>>> BEMI_SET_CONTEXT = {"user_id": lambda request: request.user.pk, "path": lambda request: request.path}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created
from django.utils.module_loading import import_string

from . import _trace
from ._context import Holder, asked, enter, leave
from ._conversation import Conversation, Memory, Options, Said
from ._drivers import MAY_EMIT, Execution, driver_named
from ._failures import note_failure
from ._signing import usable_key
from ._statement import kind_of
from ._streams import InForce, InForceAsync

_TAP = "bemi_tap"


class BemiConfig(AppConfig):  # type: ignore[misc]
    """Listens to the connections that Django makes to PostgreSQL, with psycopg 3 or psycopg2."""

    name = "bemi.django"
    label = "bemi"

    def ready(self) -> None:
        connection_created.connect(_on_connection, dispatch_uid="bemi")


class BemiMiddleware:
    """Gives every write of a request, and of its streamed response, the context that
    ``settings.BEMI_SET_CONTEXT`` says.

    It is a mapping of keys to functions of the request, each of which may fail without harm to the others;
    or one function of the request that returns the whole context; or the name of either. It is asked at the request's first write, once: it sees ``request.user`` although this
    middleware stands first. The headers ``traceparent`` and ``x-request-id`` go along as ``trace_id``,
    ``span_id`` and ``request_id``.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response
        self.set_context = _imported("BEMI_SET_CONTEXT")
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        if iscoroutinefunction(self):
            return self._call_async(request)
        with self._in_force(request) as holder:
            return _with_stream(self.get_response(request), holder)

    async def _call_async(self, request: Any) -> Any:
        with self._in_force(request) as holder:
            return _with_stream(await self.get_response(request), holder)

    @contextmanager
    def _in_force(self, request: Any) -> Iterator[Holder]:
        headers = Holder(_trace.from_headers(request.headers.get))
        set_context = self.set_context
        resolve = None if set_context is None else lambda: asked(set_context, request)
        holder = Holder(parent=headers, resolve=resolve)
        token = enter(holder)
        try:
            yield holder
        finally:
            holder.frozen = True  # a thread that goes on keeps what it saw
            leave(token)


def _with_stream(response: Any, holder: Holder) -> Any:
    # A file's own wrapper, for servers that send it themselves, is left to them.
    if getattr(response, "streaming", False) and getattr(response, "file_to_stream", None) is None:
        around = InForceAsync if response.is_async else InForce
        # The content itself: what the property gives has been mapped, and would not be closed.
        response.streaming_content = around(holder, response._iterator)
        if not response.is_async:  # close the body where its context is in force, before Django does
            closers = response._resource_closers
            closers.insert(0, closers.pop())
    return response


def _imported(name: str) -> Any:
    """A setting that is a function, or says where one is."""
    found = getattr(settings, name, None)
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

        cursor = context["cursor"].cursor
        is_lazy = bool(getattr(cursor, "name", None))  # `iterator()`: a server-side cursor
        execution = Execution(connection, cursor, sql, run, many, is_lazy)
        # In a pipeline, the driver raises where its end is: past Django's own translation of errors.
        with self._wrapper.wrap_database_errors:
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
        self.conversation.forget(self._wrapper.connection, self._memory)
        self._rollback()

    def start_afresh(self) -> None:
        """On a new connection."""
        self.conversation.forget(self._wrapper.connection, self._memory)
        self._memory.clear()


def _options() -> Options:
    return Options(
        sql=getattr(settings, "BEMI_SQL", True),
        literals=getattr(settings, "BEMI_SQL_LITERALS", False),
        sql_filter=_imported("BEMI_SQL_FILTER"),
        context_key=usable_key(getattr(settings, "BEMI_CONTEXT_KEY", None), "the setting BEMI_CONTEXT_KEY"),
    )


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
    conversation = Conversation(driver, _options())
    setattr(connection, _TAP, _Tap(connection, conversation))
    try:
        with raw.cursor() as cursor:
            cursor.execute(MAY_EMIT)
            may_emit, may_defer, database = cursor.fetchone()
            conversation.learn(bool(may_emit), bool(may_defer), str(database))
    except Exception as error:
        note_failure("the server does not look like PostgreSQL 14 or newer", error)
