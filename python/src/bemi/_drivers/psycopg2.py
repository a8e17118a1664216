# SPDX-License-Identifier: LGPL-3.0-or-later
"""psycopg2: a message has a round trip of its own, in front of a statement or of COMMIT.

psycopg2 sends a statement's text with the values already in it, and a text may hold several statements, of
which the last one's result counts. To put a message in front of a statement in one text would save the round
trip, but an error's text would quote another line and position than without us. This is done where the
user asks for it, and outside of transactions, where such an error can be had again without the message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_INTRANS
from psycopg2.extensions import cursor as plain_cursor

from .._failures import note_failure
from .._statement import Kind, fits_in_a_transaction, kind_of
from . import Build, Execution, Message, note_rows


class Psycopg2:
    def in_transaction(self, connection: Any) -> bool:
        return bool(connection.info.transaction_status != TRANSACTION_STATUS_IDLE)

    def may_speak(self, connection: Any) -> bool:
        return not connection.closed and bool(
            connection.info.transaction_status == TRANSACTION_STATUS_INTRANS
        )

    def has_copied(self, connection: Any) -> bool:
        return False  # nobody can stand in front of a cursor that is written in C

    def execute_after(self, message: Message, execution: Execution) -> None:
        self.emit(message, execution.connection)
        execution.run(execution.statement)

    def execute_alone(self, build: Build, execution: Execution) -> None:
        statement = execution.statement
        message = None
        if fits_in_a_transaction(statement):
            if not execution.many and kind_of(statement) is Kind.WRITE:
                message = build("next")
            else:
                # A function may write or not, and a message in front of it cannot know. Of an executemany
                # each set of parameters is a transaction.
                note_failure("AUTOCOMMIT: psycopg2 passes no context", "with executemany and functions")
        if message is None:
            execution.run(statement)
            return
        try:
            execution.run(f"{message.sql()};\n{statement}")
            return
        except Exception as error:
            if not _quotes_its_statement(error):
                raise
        # It did not get past the parser. What it says of the text is to be said of the application's.
        execution.run(statement)

    def execute_with(self, message: Message, execution: Execution) -> None:
        if execution.many:
            self.emit(message, execution.connection)
            execution.run(execution.statement)
        else:
            execution.run(f"{message.sql()};\n{execution.statement}")

    def commit_after(self, message: Message, connection: Any, commit: Callable[[], None]) -> None:
        self.emit(message, connection)
        commit()

    def emit(self, message: Message, connection: Any) -> None:
        with connection.cursor(cursor_factory=plain_cursor) as cursor:
            cursor.execute(message.sql())
            note_rows(cursor.rowcount)


def _quotes_its_statement(error: BaseException) -> bool:
    # A framework may have put an error of its own around it.
    cause = error if isinstance(error, psycopg2.Error) else error.__cause__
    return isinstance(cause, psycopg2.Error) and cause.diag.statement_position is not None
