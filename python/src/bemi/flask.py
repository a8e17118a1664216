# SPDX-License-Identifier: LGPL-3.0-or-later
"""Flask: a context per request.

>>> from bemi.flask import BemiFlask
>>> BemiFlask(app, set_context={"path": lambda request: request.path})
"""

from __future__ import annotations

from typing import Any

import flask

from . import _trace
from ._context import Holder, SetContext, asked, enter, leave
from ._streams import InForce

_ENTERED = "_bemi_entered"


class BemiFlask:
    """Gives every write of a request, and of its streamed response, the context that ``set_context`` says.

    ``set_context`` is a mapping of keys to functions of the request, each of which may fail without harm
    to the others; or one function of the request that returns the whole context. It is asked at the
    request's first write, once, so that it sees what ``before_request`` functions have put into ``flask.g``.

    :param trace: the headers ``traceparent`` and ``x-request-id`` go along as ``trace_id``, ``span_id``
        and ``request_id``, unless ``set_context`` says otherwise.
    """

    def __init__(
        self,
        app: flask.Flask | None = None,
        set_context: SetContext | None = None,
        *,
        trace: bool = True,
    ) -> None:
        self.set_context = set_context
        self.trace = trace
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        # Before all others, and after them: what they write counts too.
        app.before_request_funcs.setdefault(None, []).insert(0, self._begin)
        app.after_request_funcs.setdefault(None, []).insert(0, self._take_along)  # they run in reverse
        app.teardown_request(self._end)

    def _begin(self) -> None:
        request: Any = flask.request._get_current_object()  # type: ignore[attr-defined]
        headers = Holder(_trace.from_headers(request.headers.get)) if self.trace else None
        set_context = self.set_context
        resolve = None if set_context is None else lambda: asked(set_context, request)
        holder = Holder(parent=headers, resolve=resolve)
        setattr(flask.g, _ENTERED, (holder, enter(holder)))

    def _take_along(self, response: Any) -> Any:
        """Into a streamed response, whose rest runs after the request's end."""
        entered = flask.g.get(_ENTERED)
        if entered is not None and response.is_streamed and not response.direct_passthrough:
            holder, _ = entered
            holder.values()  # flask.g and the session are gone by then
            response.response = InForce(holder, response.response)
        return response

    def _end(self, _error: BaseException | None = None) -> None:
        entered = flask.g.pop(_ENTERED, None)
        if entered is not None:
            holder, token = entered
            holder.frozen = True  # a thread that goes on keeps what it saw
            leave(token)
