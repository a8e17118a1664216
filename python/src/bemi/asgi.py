# SPDX-License-Identifier: LGPL-3.0-or-later
"""Pure ASGI middleware for Starlette and FastAPI: a context per request, and none left behind."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from ._context import Context, Holder, enter, leave
from ._failures import note_failure

if TYPE_CHECKING:
    from starlette.requests import Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
SetContext = Callable[["Request"], Context] | Callable[["Request"], Awaitable[Context]]


class BemiFastAPIMiddleware:
    """Gives every write of a request the context that ``set_context(request)`` returns.

    A sync callable runs at the request's first write, once; an async one is awaited before the
    application. The request it is given has no body: the application's reading is never disturbed.

    >>> app.add_middleware(BemiFastAPIMiddleware, set_context=lambda request: {"path": request.url.path})
    """

    def __init__(self, app: App, set_context: SetContext) -> None:
        self.app = app
        self.set_context = set_context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        token = enter(await self._holder(scope))
        try:
            await self.app(scope, receive, send)
        finally:
            leave(token)

    async def _holder(self, scope: Scope) -> Holder:
        from starlette.requests import Request

        request = Request(scope)
        set_context: Any = self.set_context
        if not inspect.iscoroutinefunction(set_context):
            return Holder(resolve=lambda: set_context(request))
        holder = Holder()
        try:
            holder.set(await set_context(request))
        except Exception as error:
            note_failure("set_context failed", error)
        return holder
