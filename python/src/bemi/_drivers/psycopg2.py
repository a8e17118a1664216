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
from . import Build, Run, emit_sql


class Psycopg2:
    commits_for_free = False

    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TRANSACTION_STATUS_IDLE)

    def execute_after(self, message: str, cursor: Any, statement: str, run: Run, many: bool) -> None:
        if many:
            self.emit(message, cursor.connection)
            run(statement)
        else:
            # On a line of its own: errors quote the line of the application's statement.
            run(f"{emit_sql(message)};\n{statement}")

    def execute_alone(self, build: Build, cursor: Any, statement: str, run: Run, many: bool) -> None:
        # A read by functions may write or not, and a message in front of it cannot know.
        writes = kind_of(statement) is Kind.WRITE and fits_in_a_transaction(statement)
        message = build("next") if writes and not many else None
        if message is None:
            run(statement)
        else:
            self.execute_with(message, cursor, statement, run, many)

    def execute_with(self, message: str, cursor: Any, statement: str, run: Run, many: bool) -> None:
        emit = emit_sql(message, when_written=False)
        if many:
            with cursor.connection.cursor() as own:
                own.execute(emit)
            run(statement)
        else:
            run(f"{emit};\n{statement}")

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None:
        self.emit(message, connection)
        commit()

    def emit(self, message: str, connection: Any) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute(emit_sql(message))
        except psycopg2.Error as error:
            note_failure("a message could not be sent", error)
