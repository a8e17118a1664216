# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg 3: a message shares the round trip of a statement in a pipeline, and of COMMIT in a text.

A pipeline around COMMIT would cost a round trip more: psycopg waits for COMMIT's answer before it ends
the pipeline. A text of several statements needs none, and psycopg then finds the transaction ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from .._failures import note_failure
from .._message import PREFIX
from .._statement import fits_in_a_transaction, is_single
from . import EMIT_WITH_PARAMETERS, Build, Run, emit_sql


def _parameters(message: str) -> tuple[str, str]:
    return PREFIX, message


class Psycopg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def execute_after(self, message: str, cursor: Any, statement: str, run: Run, many: bool) -> None:
        connection = cursor.connection
        if not _can_pipeline(statement):
            self.emit(message, connection)
            run(statement)
            return
        with connection.pipeline():
            connection.execute(EMIT_WITH_PARAMETERS, _parameters(message))
            run(statement)

    def execute_alone(self, build: Build, cursor: Any, statement: str, run: Run, many: bool) -> None:
        message = build("previous") if _can_stand_alone(statement) else None
        if message is None:
            run(statement)
            return
        # Until it ends, a pipeline is one transaction.
        with cursor.connection.pipeline():
            run(statement)
            cursor.connection.execute(EMIT_WITH_PARAMETERS, _parameters(message))

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        connection.execute(f"{emit_sql(message)}; COMMIT", prepare=False)
        commit()

    def emit(self, message: str, connection: Any) -> None:
        try:
            connection.execute(EMIT_WITH_PARAMETERS, _parameters(message))
        except psycopg.Error as error:
            note_failure("a message could not be sent", error)


class AsyncPsycopg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def execute_after(self, message: str, cursor: Any, statement: str, run: Run, many: bool) -> None:
        if not _can_pipeline(statement):
            self.emit(message, cursor._adapt_connection)
            run(statement)
            return
        _run_piped(cursor, statement, run, before=message)

    def execute_alone(self, build: Build, cursor: Any, statement: str, run: Run, many: bool) -> None:
        message = build("previous") if _can_stand_alone(statement) else None
        if message is None:
            run(statement)
        else:
            _run_piped(cursor, statement, run, after=message)

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        text = f"{emit_sql(message)}; COMMIT"
        connection.run_async(lambda raw: raw.execute(text, prepare=False))
        commit()

    def emit(self, message: str, connection: Any) -> None:
        try:
            connection.run_async(lambda raw: raw.execute(EMIT_WITH_PARAMETERS, _parameters(message)))
        except psycopg.Error as error:
            note_failure("a message could not be sent", error)


def _can_pipeline(statement: str) -> bool:
    return psycopg.Pipeline.is_supported() and is_single(statement)


def _can_stand_alone(statement: str) -> bool:
    return psycopg.Pipeline.is_supported() and fits_in_a_transaction(statement)


def _run_piped(
    cursor: Any, statement: str, run: Run, before: str | None = None, after: str | None = None
) -> None:
    """Lets SQLAlchemy's adapter run its cursor inside a pipeline that it need not know of."""
    raw = cursor._cursor
    cursor._cursor = _PipedCursor(raw, cursor._connection, before, after)
    try:
        run(statement)
    finally:
        cursor._cursor = raw


class _PipedCursor:
    """An async cursor whose execution shares its round trip with a message."""

    def __init__(
        self, cursor: Any, connection: psycopg.AsyncConnection[Any], before: str | None, after: str | None
    ) -> None:
        self._cursor = cursor
        self._connection = connection
        self._before = before
        self._after = after

    async def execute(self, *args: Any) -> Any:
        return await self._piped(self._cursor.execute, args)

    async def executemany(self, *args: Any) -> Any:
        return await self._piped(self._cursor.executemany, args)

    async def _piped(self, method: Any, args: tuple[Any, ...]) -> Any:
        async with self._connection.pipeline():
            if self._before is not None:
                await self._connection.execute(EMIT_WITH_PARAMETERS, _parameters(self._before))
            result = await method(*args)
            if self._after is not None:
                await self._connection.execute(EMIT_WITH_PARAMETERS, _parameters(self._after))
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
