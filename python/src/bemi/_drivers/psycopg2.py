# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg2: a message in front of a statement shares its round trip; one before COMMIT has its own.

psycopg2 sends a statement's text with the values already in it, and a text may hold several
statements, of which the last one's result counts. Nothing that the server prepares is altered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from .._failures import note_failure
from .._statement import Kind, fits_in_a_transaction, kind_of
from . import Build, Execution, emit_sql


class Psycopg2:
    commits_for_free = False

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TRANSACTION_STATUS_IDLE)

    def execute_after(self, message: str, execution: Execution) -> None:
        if execution.many:
            self.emit(message, execution.connection)
            execution.run(execution.statement)
        else:
            # On a line of its own: errors quote the line of the application's statement.
            execution.run(f"{emit_sql(message)};\n{execution.statement}")

    def execute_alone(self, build: Build, execution: Execution) -> None:
        # A read by functions may write or not, and a message in front of it cannot know.
        statement = execution.statement
        writes = kind_of(statement) is Kind.WRITE and fits_in_a_transaction(statement)
        if writes and not execution.many:
            self.execute_with(build("next"), execution)
        else:
            execution.run(statement)

    def execute_with(self, message: str, execution: Execution) -> None:
        emit = emit_sql(message, when_written=False)
        if execution.many:
            with execution.connection.cursor() as cursor:
                cursor.execute(emit)
            execution.run(execution.statement)
        else:
            execution.run(f"{emit};\n{execution.statement}")

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        self.emit(message, connection)
        commit()

    def emit(self, message: str, connection: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(emit_sql(message))
        except psycopg2.Error as error:
            note_failure("a message could not be sent", error)
