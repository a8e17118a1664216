# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg 3: a message shares the round trip of a statement in a pipeline, and of COMMIT in a text.

A pipeline around COMMIT would cost a round trip more: psycopg waits for COMMIT's answer before it ends
the pipeline. A text of several statements needs none, and psycopg then finds the transaction ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus

from .._failures import note_failure
from .._message import PREFIX
from .._statement import fits_in_a_transaction, is_single
from . import EMIT_WITH_PARAMETERS, Build, Execution, emit_sql


def _parameters(message: str) -> tuple[str, str]:
    return PREFIX, message


class Psycopg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def execute_after(self, message: str, execution: Execution) -> None:
        if not _can_pipeline(execution.statement):
            self.emit(message, execution.connection)
            execution.run(execution.statement)
            return
        with execution.connection.pipeline():
            execution.connection.execute(EMIT_WITH_PARAMETERS, _parameters(message))
            execution.run(execution.statement)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        if not _can_stand_alone(execution.statement):
            execution.run(execution.statement)
            return
        # Until it ends, a pipeline is one transaction.
        message = build("previous")
        with execution.connection.pipeline():
            execution.run(execution.statement)
            execution.connection.execute(EMIT_WITH_PARAMETERS, _parameters(message))

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        with connection.lock:
            connection.wait(_commit_gen(connection, message))
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

    def execute_after(self, message: str, execution: Execution) -> None:
        if _can_pipeline(execution.statement):
            _run_piped(execution, before=message)
        else:
            self.emit(message, execution.connection)
            execution.run(execution.statement)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        if _can_stand_alone(execution.statement):
            _run_piped(execution, after=build("previous"))
        else:
            execution.run(execution.statement)

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        async def both(raw: Any) -> None:
            async with raw.lock:
                await raw.wait(_commit_gen(raw, message))

        connection.run_async(both)
        commit()

    def emit(self, message: str, connection: Any) -> None:
        try:
            connection.run_async(lambda raw: raw.execute(EMIT_WITH_PARAMETERS, _parameters(message)))
        except psycopg.Error as error:
            note_failure("a message could not be sent", error)


def _commit_gen(connection: Any, message: str) -> PQGen[None]:
    """As psycopg's own commit() does it, without a cursor: that costs more than the message."""
    connection.pgconn.send_query(f"{emit_sql(message)}; COMMIT".encode())
    results = yield from generators.execute(connection.pgconn)
    for result in results:
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise error_from_result(result, encoding=connection.info.encoding)


def _can_pipeline(statement: str) -> bool:
    return psycopg.Pipeline.is_supported() and is_single(statement)


def _can_stand_alone(statement: str) -> bool:
    return psycopg.Pipeline.is_supported() and fits_in_a_transaction(statement)


def _run_piped(execution: Execution, before: str | None = None, after: str | None = None) -> None:
    """Lets SQLAlchemy's adapter run its cursor inside a pipeline that it need not know of."""
    raw = execution.cursor._cursor
    execution.cursor._cursor = _PipedCursor(raw, before, after)
    try:
        execution.run(execution.statement)
    finally:
        execution.cursor._cursor = raw


class _PipedCursor:
    """An async cursor whose execution shares its round trip with a message."""

    def __init__(self, cursor: psycopg.AsyncCursor[Any], before: str | None, after: str | None) -> None:
        self._cursor = cursor
        self._before = before
        self._after = after

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        return await self._piped(self._cursor.execute(*args, **kwargs))

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return await self._piped(self._cursor.executemany(*args, **kwargs))

    async def _piped(self, execution: Awaitable[Any]) -> Any:
        connection = self._cursor.connection
        async with connection.pipeline():
            if self._before is not None:
                await connection.execute(EMIT_WITH_PARAMETERS, _parameters(self._before))
            result = await execution
            if self._after is not None:
                await connection.execute(EMIT_WITH_PARAMETERS, _parameters(self._after))
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
