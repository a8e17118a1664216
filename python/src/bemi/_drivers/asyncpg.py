# SPDX-License-Identifier: LGPL-3.0-or-later
"""asyncpg: a message travels with COMMIT in one simple query; before a statement it has its own.

The text of a statement is never altered: asyncpg and the server keep it prepared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
from asyncpg.transaction import Transaction

from .._failures import note_failure
from .._statement import fits_in_a_transaction
from . import ROWS_WHEN_FORBIDDEN, Build, Execution, Message, Prepared, copies, note_rows, preparing


class Asyncpg:
    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.driver_connection.is_in_transaction())

    def may_speak(self, connection: Any) -> bool:
        # asyncpg does not tell a failed transaction: see where a message finds itself in one.
        raw = connection.driver_connection
        return not raw.is_closed() and bool(raw.is_in_transaction())

    def has_copied(self, connection: Any) -> bool:
        return copies.were_made_on(connection.driver_connection)

    def execute_after(self, message: Message, execution: Execution) -> None:
        self.emit(message, execution.connection)
        execution.run(execution.statement)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        if not fits_in_a_transaction(execution.statement):
            execution.run(execution.statement)
            return
        connection = execution.connection
        level, connection.isolation_level = connection.isolation_level, None
        try:
            execution.run(execution.statement)
            message = build("previous")
            if message is None:
                connection.commit()
            else:
                self.commit_after(message, connection, connection.commit)
        except BaseException:
            with contextlib.suppress(Exception):  # the application's error is the one to be seen
                connection.rollback()
            raise
        finally:
            connection.isolation_level = level

    def commit_after(self, message: Message, connection: Any, commit: Callable[[], None]) -> None:
        transaction = getattr(connection, "_transaction", None)
        if not isinstance(transaction, Transaction):
            self.emit(message, connection)
            commit()
            return
        carrier = _Carrier(transaction._connection, message)
        transaction._connection = carrier
        commit()
        if carrier.message is not None:
            note_failure("this version of asyncpg commits in another way", asyncpg.__version__)

    def wants_backend_pid(self, connection: Any) -> bool:
        prepared = _prepared.get(connection.driver_connection)
        return prepared is not None and prepared.wants_backend_pid()

    def learn_backend_pid(self, connection: Any, pid: int) -> None:
        raw = connection.driver_connection
        _prepared.setdefault(raw, Prepared()).is_direct = pid == raw.get_server_pid()

    def emit(self, message: Message, connection: Any) -> None:
        try:
            status: str = connection.run_async(lambda raw: _execute(raw, message))
        except asyncpg.InFailedSQLTransactionError:
            return  # the transaction had failed before, of which the application knows
        except asyncpg.PostgresError as error:
            connection._handle_exception(error)  # as SQLAlchemy's adapter raises the application's own
            raise
        note_rows(ROWS_WHEN_FORBIDDEN if status == f"SELECT {ROWS_WHEN_FORBIDDEN}" else None)


copies.watch(asyncpg.Connection, "copy_to_table", "copy_records_to_table")

# asyncpg's connections take no further attributes.
_prepared: WeakKeyDictionary[Any, Prepared] = WeakKeyDictionary()


async def _execute(raw: Any, message: Message, end: str = "", **kwargs: Any) -> str:
    if not message.may_be_prepared:
        return str(await raw.execute(message.sql() + end, **kwargs))
    prepared = _prepared.get(raw)
    if prepared is None:
        prepared = _prepared[raw] = Prepared()
    if prepared.name is not None:
        return str(await raw.execute(message.executing(prepared.name) + end, **kwargs))
    new = prepared.next_name()
    text = message.sql() if new is None else f"{preparing(new)}; {message.executing(new)}"
    status = str(await raw.execute(text + end, **kwargs))
    if new is not None:
        prepared.name = new
    return status


class _Carrier:
    """Stands for a connection in its transaction: the COMMIT takes a message along."""

    __slots__ = ("_raw", "message")

    def __init__(self, raw: Any, message: Message) -> None:
        object.__setattr__(self, "_raw", raw)
        object.__setattr__(self, "message", message)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._raw, name, value)

    async def execute(self, query: str, *args: Any, **kwargs: Any) -> Any:
        message = self.message
        if message is not None and query == "COMMIT;":
            object.__setattr__(self, "message", None)
            try:
                return await _execute(self._raw, message, "; COMMIT;", **kwargs)
            except asyncpg.InFailedSQLTransactionError:
                pass  # it had failed before: its COMMIT rolls back, as it would without us
        return await self._raw.execute(query, *args, **kwargs)
