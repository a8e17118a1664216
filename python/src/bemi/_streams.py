# SPDX-License-Identifier: LGPL-3.0-or-later
"""The rest of a request: a response's body that is made while it is sent, after the middleware's end."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any

from ._context import Holder, enter, leave


class InForce:
    """Iterates as the body does, as lazily, with the request's context in force at each step."""

    def __init__(self, holder: Holder, body: Iterable[Any]) -> None:
        self._holder = holder
        self._body = body
        self._iterator: Iterator[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        token = enter(self._holder)
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            return next(self._iterator)
        finally:
            leave(token)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            token = enter(self._holder)
            try:
                close()
            finally:
                leave(token)


class InForceAsync:
    """The same for an async body."""

    def __init__(self, holder: Holder, body: AsyncIterable[Any]) -> None:
        self._holder = holder
        self._body = body
        self._iterator: AsyncIterator[Any] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        token = enter(self._holder)
        try:
            if self._iterator is None:
                self._iterator = aiter(self._body)
            return await anext(self._iterator)
        finally:
            leave(token)

    async def aclose(self) -> None:
        close = getattr(self._body, "aclose", None)
        if close is not None:
            token = enter(self._holder)
            try:
                await close()
            finally:
                leave(token)
