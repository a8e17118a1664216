# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg 3: a message shares the round trip of a statement in a pipeline, and of COMMIT in a text.

A pipeline around COMMIT would cost a round trip more: psycopg waits for COMMIT's answer before it ends
the pipeline. A text of several statements needs none, and psycopg then finds the transaction ended.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from psycopg import generators
from psycopg.abc import PQGen
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.rows import tuple_row

from .._statement import fits_in_a_transaction, is_single
from . import Build, Execution, note_rows


class Psycopg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def may_speak(self, connection: Any) -> bool:
        return _may_speak(connection)

    def execute_after(self, message: str, execution: Execution) -> None:
        if not _can_pipeline(execution.statement):
            self.emit(message, execution.connection)
            execution.run(execution.statement)
            return
        cursor = _cursor(execution.connection)
        with execution.connection.pipeline():
            cursor.execute(message, prepare=False)
            execution.run(execution.statement)
        note_rows(cursor.rowcount)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        message = build("previous") if _can_stand_alone(execution) else None
        if message is None:
            execution.run(execution.statement)
            return
        # Until it ends, a pipeline is one transaction.
        cursor, failed = _cursor(execution.connection), _Failed()
        with failed, execution.connection.pipeline():
            execution.run(execution.statement)
            with failed:
                cursor.execute(message, prepare=False)
        failed.tell()
        note_rows(cursor.rowcount)

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        if _commits_plainly(connection):
            with connection.lock:
                connection.wait(_commit_gen(connection, message))
        else:
            self.emit(message, connection)
        commit()

    def emit(self, message: str, connection: Any) -> None:
        cursor = _cursor(connection)
        cursor.execute(message, prepare=False)
        note_rows(cursor.rowcount)


class AsyncPsycopg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TransactionStatus.IDLE)

    def may_speak(self, connection: Any) -> bool:
        return _may_speak(connection.driver_connection)

    def execute_after(self, message: str, execution: Execution) -> None:
        if _can_pipeline(execution.statement):
            _run_piped(execution, message, is_before=True)
        else:
            self.emit(message, execution.connection)
            execution.run(execution.statement)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        message = build("previous") if _can_stand_alone(execution) else None
        if message is None:
            execution.run(execution.statement)
        else:
            _run_piped(execution, message, is_before=False)

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        async def both(raw: Any) -> None:
            async with raw.lock:
                await raw.wait(_commit_gen(raw, message))

        if _commits_plainly(connection.driver_connection):
            connection.run_async(both)
        else:
            self.emit(message, connection)
        commit()

    def emit(self, message: str, connection: Any) -> None:
        async def send(raw: Any) -> None:
            cursor = _async_cursor(raw)
            await cursor.execute(message, prepare=False)
            note_rows(cursor.rowcount)

        connection.run_async(send)


def _may_speak(raw: Any) -> bool:
    return not raw.closed and bool(raw.info.transaction_status == TransactionStatus.INTRANS)


class _Failed:
    """Keeps the first error of a pipeline until its end.

    The error of a statement may be told to the message behind it. To leave the pipeline by it would have
    psycopg log that it ignored the message's own.
    """

    def __init__(self) -> None:
        self._first: psycopg.Error | None = None

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        if isinstance(error, psycopg.Error):
            self._first = self._first or error
            return True
        return False

    def tell(self) -> None:
        if self._first is not None:
            raise self._first.with_traceback(None)


# Messages are never prepared (a pooler may not know a statement the next time), and their cursors are not
# those that the application has chosen for its own.


def _cursor(raw: Any) -> Any:
    return psycopg.Cursor(raw, row_factory=tuple_row)


def _async_cursor(raw: Any) -> Any:
    return psycopg.AsyncCursor(raw, row_factory=tuple_row)


def _commits_plainly(raw: Any) -> bool:
    """psycopg's own commit() would neither refuse nor wait for a pipeline of the application's."""
    return not (raw._pipeline or raw._num_transactions or raw._tpc)


def _commit_gen(connection: Any, message: str) -> PQGen[None]:
    """As psycopg's own commit() does it, without a cursor: that costs more than the message."""
    connection.pgconn.send_query(f"{message}; COMMIT".encode())
    results = yield from generators.execute(connection.pgconn)
    for result in results:
        if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise error_from_result(result, encoding=connection.info.encoding)
    note_rows(results[0].ntuples)


def _can_pipeline(statement: str) -> bool:
    return psycopg.Pipeline.is_supported() and is_single(statement)


def _can_stand_alone(execution: Execution) -> bool:
    return psycopg.Pipeline.is_supported() and fits_in_a_transaction(execution.statement)


def _run_piped(execution: Execution, message: str, *, is_before: bool) -> None:
    """Lets SQLAlchemy's adapter run its cursor inside a pipeline that it need not know of."""
    raw = execution.cursor._cursor
    execution.cursor._cursor = _PipedCursor(raw, message, is_before)
    try:
        execution.run(execution.statement)
    finally:
        execution.cursor._cursor = raw


class _PipedCursor:
    """An async cursor whose execution shares its round trip with a message."""

    def __init__(self, cursor: psycopg.AsyncCursor[Any], message: str, is_before: bool) -> None:
        self._cursor = cursor
        self._message = message
        self._is_before = is_before

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        return await self._piped(functools.partial(self._cursor.execute, *args, **kwargs))

    async def executemany(self, *args: Any, **kwargs: Any) -> Any:
        return await self._piped(functools.partial(self._cursor.executemany, *args, **kwargs))

    async def _piped(self, execute: Callable[[], Awaitable[Any]]) -> Any:
        connection = self._cursor.connection
        messenger, failed = _async_cursor(connection), _Failed()
        result = None
        with failed:
            async with connection.pipeline():
                if self._is_before:
                    await messenger.execute(self._message, prepare=False)
                result = await execute()
                if not self._is_before:
                    with failed:
                        await messenger.execute(self._message, prepare=False)
        failed.tell()
        note_rows(messenger.rowcount)
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)
