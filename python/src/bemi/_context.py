# SPDX-License-Identifier: LGPL-3.0-or-later
"""The context in force: one mutable holder in a ContextVar.

The holder is put there once, at the boundary of a request. Threads and sync dependencies run in a
copy of the context variables, but share the holder: what they learn is seen by everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any

from ._failures import note_failure

Context = Mapping[str, Any]


class Holder:
    """One request's context, or one script's."""

    def __init__(self, resolve: Callable[[], Context] | None = None) -> None:
        self._values: dict[str, Any] = {}
        # Run at the first write, once: by then a dependency may know the user.
        self._resolve = resolve

    def set(self, values: Context) -> None:
        self._resolve = None
        self._values = dict(values)

    def values(self) -> dict[str, Any]:
        resolve, self._resolve = self._resolve, None
        if resolve is not None:
            try:
                self._values = {**resolve(), **self._values}
            except Exception as error:
                note_failure("set_context failed", error)
        return self._values


_holder: ContextVar[Holder | None] = ContextVar("bemi_context", default=None)


def current_values() -> dict[str, Any]:
    """The context that a write made now gets; empty when there is none."""
    holder = _holder.get()
    return {} if holder is None else holder.values()


def enter(holder: Holder) -> Token[Holder | None]:
    return _holder.set(holder)


def leave(token: Token[Holder | None]) -> None:
    _holder.reset(token)


class Bemi:
    """The package's front door."""

    @staticmethod
    def set_context(context: Context) -> None:
        """Sets the context of all writes from here on: in this request, task or thread.

        >>> Bemi.set_context({"user_id": 42})
        """
        holder = _holder.get()
        if holder is None:
            holder = Holder()
            _holder.set(holder)
        holder.set(context)
