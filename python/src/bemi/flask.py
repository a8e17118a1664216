# SPDX-License-Identifier: LGPL-3.0-or-later
"""Flask: a context per request.

>>> from bemi.flask import BemiFlask
>>> BemiFlask(app, set_context=lambda request: {"path": request.path})
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask

from . import _trace
from ._context import Context, Holder, enter, leave

_ENTERED = "_bemi_entered"


class BemiFlask:
    """Gives every write of a request the context that ``set_context(request)`` returns.

    The callable runs at the request's first write, once, so that it sees what ``before_request``
    functions have put into ``flask.g``.

    :param trace: the headers ``traceparent`` and ``x-request-id`` go along as ``trace_id``, ``span_id``
        and ``request_id``, unless ``set_context`` says otherwise.
    """

    def __init__(
        self,
        app: flask.Flask | None = None,
        set_context: Callable[[flask.Request], Context] | None = None,
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
        app.teardown_request(self._end)

    def _begin(self) -> None:
        request: Any = flask.request._get_current_object()  # type: ignore[attr-defined]
        headers = Holder(_trace.from_headers(request.headers.get)) if self.trace else None
        set_context = self.set_context
        resolve = None if set_context is None else lambda: set_context(request)
        holder = Holder(parent=headers, resolve=resolve)
        setattr(flask.g, _ENTERED, (holder, enter(holder)))

    def _end(self, _error: BaseException | None = None) -> None:
        entered = flask.g.pop(_ENTERED, None)
        if entered is not None:
            holder, token = entered
            holder.frozen = True  # a thread that goes on keeps what it saw
            leave(token)
