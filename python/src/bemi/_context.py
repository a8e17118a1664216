# SPDX-License-Identifier: LGPL-3.0-or-later
"""The context in force: one mutable holder in a ContextVar.

The holder is put there once, at the boundary of a request or of a ``with`` block. Threads and sync
dependencies run in a copy of the context variables, but share the holder: what they learn is seen by
everyone. A holder that has had its time is frozen: who still sees it (a background task, a task that
outlives its request) keeps what it said, and a change made there goes to a holder of their own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, TypeVar, cast

from ._failures import note_failure

Context = Mapping[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class Holder:
    """One request's context, one block's, or one script's."""

    def __init__(
        self,
        values: Context | None = None,
        parent: Holder | None = None,
        resolve: Callable[[], Context] | None = None,
    ) -> None:
        self._values: dict[str, Any] = dict(values or {})
        self._parent = parent
        # Run at the first write, once: by then a dependency may know the user.
        self._resolve = resolve
        self.frozen = False

    def replace(self, values: Context) -> None:
        self._parent = self._resolve = None
        self._values = dict(values)

    def merge(self, values: Context) -> None:
        self._values.update(values)

    def values(self) -> dict[str, Any]:
        """A copy of the whole; runs what is still to be resolved."""
        resolve, self._resolve = self._resolve, None
        if resolve is not None:
            self._values = {**_resolved(resolve), **self._values}
        inherited = self._parent.values() if self._parent is not None else {}
        return {**inherited, **self._values}


def _resolved(resolve: Callable[[], Context]) -> dict[str, Any]:
    try:
        found = resolve()
        if inspect.iscoroutine(found):
            found.close()
            raise TypeError("it returned a coroutine: declare it with `async def`")
        return dict(found)
    except Exception as error:
        note_failure("set_context failed", error)
        return {}


_holder: ContextVar[Holder | None] = ContextVar("bemi_context", default=None)


def enter(holder: Holder) -> Token[Holder | None]:
    return _holder.set(holder)


def leave(token: Token[Holder | None]) -> None:
    _holder.reset(token)


def _writable() -> Holder:
    holder = _holder.get()
    if holder is None or holder.frozen:
        holder = Holder(parent=holder)
        _holder.set(holder)
    return holder


def set_context(context: Context | None = None, /, **values: Any) -> None:
    """Replaces the context of all writes from here on: in this request, task or thread.

    >>> bemi.set_context({"user_id": 42})
    >>> bemi.set_context(worker="nightly-invoices")
    """
    _writable().replace({**(context or {}), **values})


def merge_context(context: Context | None = None, /, **values: Any) -> None:
    """Adds to the context; what is there under other keys stays.

    >>> bemi.merge_context(tenant="acme")
    """
    _writable().merge({**(context or {}), **values})


def current_context() -> dict[str, Any]:
    """A copy of the context that a write made now would get; empty when there is none."""
    holder = _holder.get()
    return {} if holder is None else holder.values()


def clear_context() -> None:
    """Forgets the context: writes from here on carry none but their SQL."""
    _writable().replace({})


class context:
    """Adds to the context within a block or a function, and takes it back afterwards. Nestable.

    >>> with bemi.context(job="import"):
    ...     load()
    >>> async with bemi.context(job="import"):
    ...     await load()
    >>> @bemi.context(job="import")
    ... def load(): ...
    """

    def __init__(self, context: Context | None = None, /, **values: Any) -> None:
        self._added = {**(context or {}), **values}
        self._tokens: list[Token[Holder | None]] = []

    def __enter__(self) -> None:
        self._tokens.append(enter(Holder(self._added, parent=_holder.get())))

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        holder = _holder.get()
        if holder is not None:
            holder.frozen = True
        leave(self._tokens.pop())

    async def __aenter__(self) -> None:
        self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self.__exit__()

    def __call__(self, function: Function) -> Function:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("bemi.context cannot decorate a generator: use `with` inside of it")
        added = self._added

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: Any, **kwargs: Any) -> Any:
                with context(added):
                    return await function(*args, **kwargs)

            return cast(Function, run_async)

        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            with context(added):
                return function(*args, **kwargs)

        return cast(Function, run)


def frozen_copy() -> Holder:
    """What is in force now, for work that goes on elsewhere."""
    holder = Holder(current_context())
    holder.frozen = True
    return holder


class Bemi:
    """The names that existing users of Bemi know."""

    @staticmethod
    def set_context(context: Context) -> None:
        """See :func:`bemi.set_context`."""
        set_context(context)

    @staticmethod
    def migration_upgrade(*tables: str, publication: str | None = None) -> None:
        """See :func:`bemi.migrations.upgrade`. To be called inside an Alembic migration."""
        from .migrations import upgrade

        upgrade(*tables, publication=publication)

    @staticmethod
    def migration_downgrade(*tables: str, publication: str | None = None) -> None:
        """See :func:`bemi.migrations.downgrade`. To be called inside an Alembic migration."""
        from .migrations import downgrade

        downgrade(*tables, publication=publication)
