# SPDX-License-Identifier: LGPL-3.0-or-later
"""How each driver sends a context message at the price of no round trip, or of few.

A message goes in front of the transaction's next statement, or together with its COMMIT.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .._message import PREFIX, Scope

Run = Callable[[str], None]  # executes a statement's text, on the cursor it was made for
Build = Callable[[Scope], str]


@dataclass(frozen=True)
class Execution:
    """A statement that is about to be executed.

    Connection and cursor are what SQLAlchemy's dialect works with: the driver's own, or its adapter's.
    """

    connection: Any
    cursor: Any
    statement: str
    run: Run
    many: bool  # as often as there are sets of parameters


class Driver(Protocol):
    # A message costs no round trip when it is sent with COMMIT.
    commits_for_free: bool

    def in_transaction(self, connection: Any) -> bool: ...

    def execute_after(self, message: str, execution: Execution) -> None:
        """The message, which speaks of earlier statements, then the statement."""

    def execute_alone(self, build: Build, execution: Execution) -> None:
        """The statement and its own message in one transaction, outside of a block (AUTOCOMMIT)."""

    def commit_after(self, message: str, connection: Any, commit: Callable[[], None]) -> None: ...

    def emit(self, message: str, connection: Any) -> None:
        """The message in a round trip of its own."""


@runtime_checkable
class Prefixing(Protocol):
    """A driver that can put a message in front of the very statement that it speaks of."""

    def execute_with(self, message: str, execution: Execution) -> None: ...


# Nothing when the transaction wrote nothing: a message would turn a read into a write.
_WHEN_WRITTEN = " WHERE pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL"

EMIT_WITH_PARAMETERS = f"SELECT pg_catalog.pg_logical_emit_message(true, %s, %s){_WHEN_WRITTEN}"


def emit_sql(message: str, *, when_written: bool = True) -> str:
    """The message as a statement without parameters.

    A message is ASCII; as an E'' literal, whose rules no setting of the server or the connection
    changes, it cannot end early. A percent sign, which some drivers interpret, is left to JSON.
    """
    literal = message.replace("%", "\\u0025").replace("\\", "\\\\").replace("'", "''")
    where = _WHEN_WRITTEN if when_written else ""
    return f"SELECT pg_catalog.pg_logical_emit_message(true, '{PREFIX}'::text, E'{literal}'::text){where}"


def driver_named(name: str, is_async: bool) -> Driver | None:
    """None: a driver that this package does not know."""
    if name in ("psycopg", "psycopg_async"):
        from .psycopg import AsyncPsycopg, Psycopg

        return AsyncPsycopg() if is_async else Psycopg()
    if name == "psycopg2":
        from .psycopg2 import Psycopg2

        return Psycopg2()
    if name == "asyncpg":
        from .asyncpg import Asyncpg

        return Asyncpg()
    return None
