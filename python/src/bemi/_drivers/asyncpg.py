# SPDX-License-Identifier: LGPL-3.0-or-later
"""asyncpg: a message travels with COMMIT in one simple query; before a statement it has its own.

The text of a statement is never altered: asyncpg and the server keep it prepared.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import asyncpg

from .._failures import note_failure
from .._statement import fits_in_a_transaction
from . import Build, Execution, emit_sql


class Asyncpg:
    commits_for_free = True

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.driver_connection.is_in_transaction())

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
            self.commit_after(build("previous"), connection, connection.commit)
        except BaseException:
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
            connection.run_async(lambda raw: raw.execute(emit_sql(message)))
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            note_failure("a message could not be sent", error)


@cache
def carrying(base: type[Any]) -> type[Any]:
    """A connection class whose COMMIT takes a message along."""

    class BemiConnection(base):  # type: ignore[misc]
        __slots__ = ("bemi_message",)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.bemi_message: str | None = None

        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
            if self.bemi_message is not None and query == "COMMIT;":
                query = f"{emit_sql(self.bemi_message)}; COMMIT;"
                self.bemi_message = None
            status: str = await super().execute(query, *args, timeout=timeout)
            return status

    return BemiConnection


def prepare_connect(parameters: dict[str, Any]) -> None:
    """Has the connection that is about to be made carry messages."""
    parameters["connection_class"] = carrying(parameters.get("connection_class", asyncpg.Connection))
