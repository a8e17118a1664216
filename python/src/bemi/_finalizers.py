# SPDX-License-Identifier: LGPL-3.0-or-later
"""What Python runs in somebody else's time: the `finally` of an abandoned generator, a `__del__`.

When a client goes away, the generator of its streaming response is left to Python, which runs the rest of it
whenever it happens to collect garbage: in the middle of another request, and with that request's context
variables. What it writes is not that request's doing, and whose it was is not known any more: it has no context.
"""

from __future__ import annotations

import contextvars
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

_state = threading.local()


class _Finalizer:
    """An event loop's finalizer of async generators, called where our context has been forgotten.

    The loop makes a task of what is left of the generator, and a task has a copy of the context variables.
    """

    def __init__(self, of_the_loop: Callable[[Any], None], forget: Callable[[], None]) -> None:
        self._of_the_loop = of_the_loop
        self._forget = forget

    def __call__(self, generator: Any) -> None:
        contextvars.copy_context().run(self._run, generator)

    def _run(self, generator: Any) -> None:
        self._forget()
        self._of_the_loop(generator)


def watch_async_generators(forget: Callable[[], None]) -> None:
    """From here on in this thread, as long as its event loop runs. Cheap, and harmless without one."""
    finalizer = sys.get_asyncgen_hooks().finalizer
    if finalizer is not None and type(finalizer) is not _Finalizer:
        sys.set_asyncgen_hooks(finalizer=_Finalizer(finalizer, forget))


def is_collecting() -> bool:
    """This code is called by Python's garbage collector."""
    return getattr(_state, "is_collecting", False)


def _on_collection(phase: str, _information: dict[str, Any]) -> None:
    _state.is_collecting = phase == "start"


def watch_collections() -> None:
    """Idempotent."""
    if _on_collection not in gc.callbacks:
        gc.callbacks.append(_on_collection)
