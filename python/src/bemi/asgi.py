# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pure ASGI middleware for Starlette and FastAPI: a context per request, and none left behind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from . import _trace
from ._context import Holder, SetContext, asked, asked_in_parts, enter, leave, note_set_context

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class BemiFastAPIMiddleware:
    """Gives every write of a request the context that ``set_context`` says.

    ``set_context`` is a mapping of keys to functions of the request, each of which may fail without harm
    to the others; or one function of the request that returns the whole context.
    A sync callable runs at the request's first write, once: it sees what a dependency has put into
    ``request.state``. An async one is awaited before the application. The request it is given has no
    body: the application's reading is never disturbed. What fails in it is logged and counted, and the
    request goes on. A WebSocket's writes get its context too.

    :param trace: the headers ``traceparent`` and ``x-request-id`` go along as ``trace_id``, ``span_id``
        and ``request_id``, unless ``set_context`` says otherwise.

    >>> app.add_middleware(BemiFastAPIMiddleware, set_context={"path": lambda request: request.url.path})
    """

    def __init__(self, app: App, set_context: SetContext | None = None, *, trace: bool = True) -> None:
        self.app = app
        self.set_context = set_context
        self.trace = trace
        # The part that is called at the first write, if any. A request that writes nothing costs next to nothing.
        later: SetContext | None = set_context
        self._is_async = False
        if isinstance(set_context, Mapping):
            later = {key: function for key, function in set_context.items() if not _is_async(function)}
            self._is_async = len(later) < len(set_context)
        elif set_context is not None and _is_async(set_context):
            later, self._is_async = None, True
        self._resolve = functools.partial(_asked, later) if later else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        holder = Holder(
            parent=Holder(resolve=functools.partial(_from_headers, scope)) if self.trace else None,
            resolve=self._resolve and functools.partial(self._resolve, scope),
        )
        if self._is_async:
            await self._await(holder, scope)
        token = enter(holder)

        async def send_and_freeze(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                holder.frozen = True  # what runs from here on is the background's

        try:
            await self.app(scope, receive, send_and_freeze)
        finally:
            holder.frozen = True
            leave(token)

    async def _await(self, holder: Holder, scope: Scope) -> None:
        set_context: Any = self.set_context
        request = _request(scope)
        if not isinstance(set_context, Mapping):
            found = await _awaited(set_context, request)
            holder.merge({} if found is _FAILED else found)
            return
        for key, function in set_context.items():
            if _is_async(function):
                found = await _awaited(function, request, key)
                if found is not _FAILED:
                    holder.merge({key: found})


_FAILED = object()


async def _awaited(function: Any, request: Any, key: str | None = None) -> Any:
    try:
        found = await function(request)
        return asked_in_parts(found) if key is None else found
    except Exception as error:
        note_set_context(error, key)
        return _FAILED


def _request(scope: Scope) -> HTTPConnection:
    from starlette.requests import HTTPConnection, Request

    return Request(scope) if scope["type"] == "http" else HTTPConnection(scope)


def _asked(set_context: SetContext, scope: Scope) -> Mapping[str, Any]:
    return asked(set_context, _request(scope))


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _from_headers(scope: Scope) -> dict[str, Any]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
    return _trace.from_headers(headers.get)
