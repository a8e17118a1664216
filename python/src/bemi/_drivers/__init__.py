# SPDX-License-Identifier: LGPL-3.0-or-later
"""How each driver sends a context message at the price of no round trip, or of few.

A message goes in front of the transaction's next statement, or together with its COMMIT.

**The application's transaction comes first.** A message is only sent in a transaction that is whole, and
as a statement that takes no right for granted; the application's own statements are sent by the same calls
and in the same texts as without us. What fails all the same (the connection broke, the server was told to
cancel) fails aloud: swallowed, it would leave an aborted transaction behind, whose COMMIT loses the
application's rows in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .._failures import note_failure
from .._message import PREFIX, Scope

Run = Callable[[str], None]  # executes a statement's text, on the cursor it was made for
Build = Callable[[Scope], "str | None"]  # a message as a statement; None: it could not be made


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
    lazy: bool = False  # by a server-side cursor: nothing may be sent in one go with it


class Driver(Protocol):
    # A message costs no round trip when it is sent with COMMIT.
    commits_for_free: bool

    def in_transaction(self, connection: Any) -> bool: ...

    def may_speak(self, connection: Any) -> bool:
        """Open, and in a transaction that has not failed, as far as the driver knows."""
        ...

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


# pg_logical_emit_message(boolean, text, text), in every version.
_EMIT_OID = 3577

# Look-alikes of PostgreSQL may lack the function, and a role the right. Triggers that may be deferred write
# behind the last message of a transaction.
MAY_EMIT = f"""SELECT pg_catalog.count(*) > 0
  AND pg_catalog.bool_and(pg_catalog.has_function_privilege({_EMIT_OID}::pg_catalog.oid, 'EXECUTE')),
  EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgdeferrable AND NOT tgisinternal)
FROM pg_catalog.pg_proc WHERE oid = {_EMIT_OID} AND proname = 'pg_logical_emit_message'"""

# How many rows a message's statement returns when the role of this moment lacks the right.
ROWS_WHEN_FORBIDDEN = 1

# PostgreSQL asks for the right to EXECUTE when it prepares an expression, used or not, and a refusal
# aborts the transaction. The rows of VALUES are prepared one by one as they are needed: this alone lets a
# statement look first. SET ROLE, REVOKE and functions that change the role are thus no danger.
# Nothing is said when the transaction wrote nothing: a message would turn a read into a write.
_VALUES = """VALUES (NULL::pg_catalog.pg_lsn), {}
LIMIT CASE {}WHEN pg_catalog.has_function_privilege({}::pg_catalog.oid, 'EXECUTE') THEN {} ELSE 1 END"""
_EMIT = "(pg_catalog.pg_logical_emit_message(true, '{}'::pg_catalog.text, E'{}'::pg_catalog.text))"
_WHEN_WRITTEN = "WHEN pg_catalog.pg_current_xact_id_if_assigned() IS NULL THEN 0 "


def emit_sql(message: str, rest: str | None = None, *, when_written: bool = True) -> str:
    """The message, and one that speaks of what is left of the transaction, as a statement without parameters.

    A message is ASCII; as an E'' literal, whose rules no setting of the server or the connection
    changes, it cannot end early. A percent sign, which some drivers interpret, is left to JSON.
    """
    messages = [message] if rest is None else [message, rest]
    literals = [m.replace("%", "\\u0025").replace("\\", "\\\\").replace("'", "''") for m in messages]
    rows = ", ".join(_EMIT.format(PREFIX, literal) for literal in literals)
    condition = _WHEN_WRITTEN if when_written else ""
    return _VALUES.format(rows, condition, _EMIT_OID, 1 + len(messages))


def note_rows(rows: int | None) -> None:
    """What a message's statement returned says whether it was sent."""
    if rows == ROWS_WHEN_FORBIDDEN:
        note_failure(
            "the current role may not pass context",
            "grant it EXECUTE on pg_logical_emit_message(boolean, text, text)",
        )


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
