# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pure ASGI middleware for Starlette and FastAPI: a context per request, and none left behind."""

from __future__ import annotations

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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        holder = await self._holder(scope)
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

    async def _holder(self, scope: Scope) -> Holder:
        headers = Holder(_from_headers(scope)) if self.trace else None
        set_context: Any = self.set_context
        if set_context is None:
            return Holder(parent=headers)
        request = _request(scope)
        if isinstance(set_context, Mapping):
            values = {k: await _awaited(f, request, k) for k, f in set_context.items() if _is_async(f)}
            found = {k: value for k, value in values.items() if value is not _FAILED}
            later = {k: f for k, f in set_context.items() if k not in values}
            return Holder(found, parent=headers, resolve=lambda: asked(later, request))
        if not _is_async(set_context):
            return Holder(parent=headers, resolve=lambda: asked(set_context, request))
        whole = await _awaited(set_context, request)
        return Holder(None if whole is _FAILED else whole, parent=headers)


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


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _from_headers(scope: Scope) -> dict[str, Any]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
    return _trace.from_headers(headers.get)
