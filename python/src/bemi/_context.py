# SPDX-License-Identifier: LGPL-3.0-or-later
"""The context in force: one mutable holder in a ContextVar.

The holder is put there once, at the boundary of a request or of a ``with`` block. Threads and sync
dependencies run in a copy of the context variables, but share the holder: what they learn is seen by
everyone. A holder that has had its time is frozen: who still sees it (a background task, a task that
outlives its request) keeps what it said, and a change made there goes to a holder of their own.

What Python runs by itself in somebody else's time has no context at all: see :mod:`bemi._finalizers`.
"""

from __future__ import annotations

import functools
import inspect
import threading
import uuid
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import Any, TypeVar, cast

from . import _message
from ._failures import note_failure
from ._finalizers import is_collecting, watch_async_generators

Context = Mapping[str, Any]
# The argument `set_context` of a middleware: a function, or one for each key. See :func:`asked`.
SetContext = Callable[[Any], Any] | Mapping[str, Any]
Function = TypeVar("Function", bound=Callable[..., Any])


class Holder:
    """One request's context, one block's, or one script's."""

    __slots__ = (
        "__weakref__",
        "_encoded",
        "_lock",
        "_parent",
        "_resolve",
        "_resolver",
        "_values",
        "_version",
        "frozen",
    )

    def __init__(
        self,
        values: Context | None = None,
        parent: Holder | None = None,
        resolve: Callable[[], Context] | None = None,
    ) -> None:
        self._values: dict[str, Any] = dict(values) if values else {}
        self._version = 0
        # The encoded form, and the versions of this holder and its parents from which it was made.
        self._encoded: tuple[int, str] | None = None
        self._parent = parent
        # Run at the first write, once: by then a dependency may know the user. It raises nothing.
        self._resolve = resolve
        self._lock = threading.Lock() if resolve is not None else None
        self._resolver: int | None = None  # the thread that runs it now
        self.frozen = False

    def replace(self, values: Context) -> None:
        self._values = dict(values)
        self._version += 1 + (0 if self._parent is None else max(0, self._parent.stamp()))
        self._parent = self._resolve = None

    def merge(self, values: Context) -> None:
        # Not in place: who encodes the values at this moment sees them whole.
        self._values = {**self._values, **values}
        self._version += 1

    def values(self) -> dict[str, Any]:
        """A copy of the whole; runs what is still to be resolved."""
        if self._resolve is not None:
            self._settle()
        inherited = self._parent.values() if self._parent is not None else {}
        return {**inherited, **self._values}

    def members(self, with_sql: bool) -> str:
        """The whole as a message says it. Encoded once, for it is the same for all writes of a request.

        :param with_sql: the message has an `SQL` of its own.
        """
        encoded = self._encoded
        if encoded is not None and encoded[0] == self.stamp():
            return encoded[1]
        self.settle()
        stamp = self.stamp()
        values = self.values()
        is_plain = "SQL" not in values and _IMMUTABLE.issuperset(map(type, values.values()))
        text = _message.members(values, with_sql)
        # A list may be another one at the next write.
        if is_plain and stamp >= 0 and stamp == self.stamp():
            self._encoded = (stamp, text)
        return text

    def encoded_at(self) -> int:
        """The stamp of what :meth:`members` has kept; below 0 for nothing."""
        return -1 if self._encoded is None else self._encoded[0]

    def stamp(self) -> int:
        """Grows with each change of this holder or its parents; below 0 while any is to be resolved."""
        stamp = 0
        holder: Holder | None = self
        while holder is not None:
            if holder._resolve is not None:
                return -1
            stamp += holder._version
            holder = holder._parent
        return stamp

    def settle(self) -> None:
        holder: Holder | None = self
        while holder is not None:
            if holder._resolve is not None:
                holder._settle()
            holder = holder._parent

    def _settle(self) -> None:
        """Runs `resolve`, once. Others who write at the same time wait until its answer is there."""
        lock = self._lock
        if lock is None or self in _resolving.get():
            return  # it writes itself, here or in a thread that it started
        # Two tasks of one event loop: who waited would keep the other one from ever going on.
        is_own_thread = self._resolver == threading.get_ident()
        if not lock.acquire(timeout=0 if is_own_thread else RESOLVE_SECONDS_MAX):
            note_failure("set_context was still running", "at another write of the same request")
            return
        try:
            resolve = self._resolve
            if resolve is None:
                return
            self._resolver = threading.get_ident()
            token = _resolving.set((*_resolving.get(), self))
            try:
                found = resolve()
            finally:
                _resolving.reset(token)
                self._resolver = None
            if self._resolve is resolve:  # else somebody replaced the context meanwhile
                self._values = {**found, **self._values}
                self._version += 1
                self._resolve = None
        finally:
            lock.release()


_IMMUTABLE = frozenset({str, int, float, bool, type(None), uuid.UUID, datetime, date, Decimal})
# The longest that a write waits for another one of its request that runs set_context.
RESOLVE_SECONDS_MAX = 5.0
# The holders whose `resolve` this code is called by.
_resolving: ContextVar[tuple[Holder, ...]] = ContextVar("bemi_resolving", default=())


def asked(set_context: SetContext, request: Any) -> Context:
    """What `set_context` says of a request.

    It is a function that returns the context, or a mapping of keys to functions (or to values, which are
    taken as they are). A value that is itself a function without parameters is called. What fails costs
    its own key alone: a function that returns the whole has only one place to fail at.
    """
    if isinstance(set_context, Mapping):
        return _each(set_context, request)
    try:
        found = set_context(request)
        if inspect.iscoroutine(found):
            found.close()
            raise TypeError("it returned a coroutine: declare it with `async def`")
        return asked_in_parts(found)
    except Exception as error:
        note_set_context(error)
        return {}


def asked_in_parts(found: Context) -> dict[str, Any]:
    """What a `set_context` returned, with the functions in it called."""
    values = dict(found)
    if any(map(inspect.isroutine, values.values())):
        return _each({key: functools.partial(_called, value) for key, value in values.items()}, None)
    return values


def _called(value: Any, _: None) -> Any:
    return value() if inspect.isroutine(value) else value


def _each(parts: Mapping[str, Any], request: Any) -> dict[str, Any]:
    found = {}
    for key, part in parts.items():
        try:
            found[key] = part(request) if callable(part) else part
            if inspect.iscoroutine(found[key]):
                found.pop(key).close()
                raise TypeError("it returned a coroutine, for which there is no event loop here")
        except Exception as error:
            note_set_context(error, key)
    return found


def note_set_context(error: Exception, key: str | None = None) -> None:
    if key is None:
        hint = "a mapping of keys to functions would lose the key that failed alone"
        note_failure("set_context failed", f"{_text(error)} ({hint})")
    else:
        note_failure(f"set_context failed for {key!r}", _text(error))


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


_holder: ContextVar[Holder | None] = ContextVar("bemi_context", default=None)


def enter(holder: Holder | None) -> Token[Holder | None]:
    watch_async_generators(_forget)
    return _holder.set(holder)


def _forget() -> None:
    _holder.set(None)


def in_force() -> Holder | None:
    # Python may collect garbage at any time, in anybody's: whose finalizer this is, nobody knows.
    return None if is_collecting() else _holder.get()


def leave(token: Token[Holder | None]) -> None:
    _holder.reset(token)


def _writable() -> Holder:
    if is_collecting():
        return Holder()
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
    holder = in_force()
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
