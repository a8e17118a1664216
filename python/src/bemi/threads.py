# SPDX-License-Identifier: LGPL-3.0-or-later
"""Takes the context along into threads, which Python starts with an empty one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from ._context import enter, frozen_copy, leave

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def bind_context(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The function, to be run anywhere with the context of here and now.

    >>> threading.Thread(target=bemi.bind_context(work)).start()
    """
    holder = frozen_copy()

    @functools.wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        token = enter(holder)
        try:
            return function(*args, **kwargs)
        finally:
            leave(token)

    return run


class ContextThreadPoolExecutor(ThreadPoolExecutor):
    """A ThreadPoolExecutor whose work has the context of who submitted it.

    >>> with bemi.ContextThreadPoolExecutor() as executor:
    ...     executor.submit(work)
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(bind_context(fn), *args, **kwargs)
