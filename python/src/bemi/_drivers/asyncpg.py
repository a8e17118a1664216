# SPDX-License-Identifier: LGPL-3.0-or-later
"""asyncpg: a message travels with COMMIT in one simple query; before a statement it has its own.

The text of a statement is never altered: asyncpg and the server keep it prepared.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import cache
from typing import Any

import asyncpg

from .._failures import note_failure
from .._statement import fits_in_a_transaction
from . import ROWS_WHEN_FORBIDDEN, Build, Execution, note_rows


class Asyncpg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.driver_connection.is_in_transaction())

    def may_speak(self, connection: Any) -> bool:
        # asyncpg does not tell a failed transaction: see where a message finds itself in one.
        raw = connection.driver_connection
        return not raw.is_closed() and bool(raw.is_in_transaction())

    def execute_after(self, message: str, execution: Execution) -> None:
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

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        raw = connection.driver_connection
        if not hasattr(raw, "bemi_message"):  # a connection made before we were there
            self.emit(message, connection)
            commit()
            return
        raw.bemi_message = message
        commit()
        if raw.bemi_message is not None:
            raw.bemi_message = None
            note_failure("this version of asyncpg commits in another way", asyncpg.__version__)

    def emit(self, message: str, connection: Any) -> None:
        try:
            status: str = connection.run_async(lambda raw: raw.execute(message))
        except asyncpg.InFailedSQLTransactionError:
            return  # the transaction had failed before, of which the application knows
        except asyncpg.PostgresError as error:
            connection._handle_exception(error)  # as SQLAlchemy's adapter raises the application's own
            raise
        note_rows(ROWS_WHEN_FORBIDDEN if status == f"SELECT {ROWS_WHEN_FORBIDDEN}" else None)


@cache
def carrying(base: type[Any]) -> type[Any]:
    """A connection class whose COMMIT takes a message along."""

    class BemiConnection(base):  # type: ignore[misc]
        __slots__ = ("bemi_message",)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.bemi_message: str | None = None

        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
            message = self.bemi_message
            if message is not None and query == "COMMIT;":
                self.bemi_message = None
                try:
                    return str(await super().execute(f"{message}; COMMIT;", *args, timeout=timeout))
                except asyncpg.InFailedSQLTransactionError:
                    pass  # it had failed before: its COMMIT rolls back, as it would without us
            return str(await super().execute(query, *args, timeout=timeout))

    return BemiConnection


def prepare_connect(parameters: dict[str, Any]) -> None:
    """Has the connection that is about to be made carry messages."""
    parameters["connection_class"] = carrying(parameters.get("connection_class", asyncpg.Connection))
