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

import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable
from weakref import WeakSet

from .._failures import note_failure
from .._message import PREFIX, Scope

Run = Callable[[str], None]  # executes a statement's text, on the cursor it was made for
Build = Callable[[Scope], "Message | None"]  # None: it could not be made


class Execution:
    """A statement that is about to be executed.

    Connection and cursor are what SQLAlchemy's dialect works with: the driver's own, or its adapter's.

    :param many: as often as there are sets of parameters
    :param lazy: by a server-side cursor: nothing may be sent in one go with it
    """

    __slots__ = ("connection", "cursor", "lazy", "many", "run", "statement")

    def __init__(
        self, connection: Any, cursor: Any, statement: str, run: Run, many: bool, lazy: bool = False
    ) -> None:
        self.connection = connection
        self.cursor = cursor
        self.statement = statement
        self.run = run
        self.many = many
        self.lazy = lazy


class Driver(Protocol):
    def in_transaction(self, connection: Any) -> bool: ...

    def may_speak(self, connection: Any) -> bool:
        """Open, and in a transaction that has not failed, as far as the driver knows."""
        ...

    def has_copied(self, connection: Any) -> bool:
        """The driver's own COPY ran on it, past SQLAlchemy, since this was asked last."""
        ...

    def execute_after(self, message: Message, execution: Execution) -> None:
        """The message, which speaks of earlier statements, then the statement."""

    def execute_alone(self, build: Build, execution: Execution) -> None:
        """The statement and its own message in one transaction, outside of a block (AUTOCOMMIT)."""

    def commit_after(self, message: Message, connection: Any, commit: Callable[[], None]) -> None: ...

    def emit(self, message: Message, connection: Any) -> None:
        """The message in a round trip of its own."""


class Copies:
    """On which connections a driver's COPY ran. It stands in front of the drivers' own methods for it."""

    def __init__(self) -> None:
        self.are_made = False  # in this process at all: most make none, and are to pay nothing
        self._connections: WeakSet[Any] = WeakSet()

    def watch(self, owner: type, *names: str, of: Callable[[Any], Any] = lambda owner: owner) -> None:
        """:param of: the connection of an owner of such methods."""
        for name in names:
            setattr(owner, name, self._noting(getattr(owner, name), of))

    def were_made_on(self, connection: Any) -> bool:
        """Asked once: it is forgotten then."""
        if connection not in self._connections:
            return False
        self._connections.discard(connection)
        return True

    def _noting(self, copy: Callable[..., Any], of: Callable[[Any], Any]) -> Callable[..., Any]:
        @functools.wraps(copy)
        def noted(owner: Any, *args: Any, **kwargs: Any) -> Any:
            self._connections.add(of(owner))
            self.are_made = True
            return copy(owner, *args, **kwargs)

        return noted


copies = Copies()


@runtime_checkable
class Preparing(Protocol):
    """A driver that keeps a message's statement prepared, where nothing stands between it and the server."""

    def wants_backend_pid(self, connection: Any) -> bool: ...

    def learn_backend_pid(self, connection: Any, pid: int) -> None:
        """What the server says of itself, to be compared with what was said when the connection began."""
        ...


@runtime_checkable
class Prefixing(Protocol):
    """A driver that can put a message in front of the very statement that it speaks of."""

    def execute_with(self, message: Message, execution: Execution) -> None: ...


# pg_logical_emit_message(boolean, text, text), in every version.
_EMIT_OID = 3577

# Look-alikes of PostgreSQL may lack the function, and a role the right. Triggers that may be deferred write
# behind the last message of a transaction. A signed message is for one database.
MAY_EMIT = f"""SELECT pg_catalog.count(*) > 0
  AND pg_catalog.bool_and(pg_catalog.has_function_privilege({_EMIT_OID}::pg_catalog.oid, 'EXECUTE')),
  EXISTS (SELECT FROM pg_catalog.pg_trigger WHERE tgdeferrable AND NOT tgisinternal),
  pg_catalog.current_database()
FROM pg_catalog.pg_proc WHERE oid = {_EMIT_OID} AND proname = 'pg_logical_emit_message'"""

# Number of rows that a message's statement returns if the current role lacks the right.
ROWS_WHEN_FORBIDDEN = 1

# PostgreSQL asks for the right to EXECUTE when it prepares an expression, used or not, and a refusal
# aborts the transaction. The rows of VALUES are prepared one by one as they are needed: this alone lets a
# statement look first. SET ROLE, REVOKE and functions that change the role are thus no danger.
# Nothing is said when the transaction wrote nothing: a message would turn a read into a write.
_EMIT = f"(pg_catalog.pg_logical_emit_message(true, '{PREFIX}'::pg_catalog.text, "
_BEGIN = f"VALUES (NULL::pg_catalog.pg_lsn), {_EMIT}E'"
_BETWEEN = f"'::pg_catalog.text)), {_EMIT}E'"
_IF_ALLOWED = f"WHEN pg_catalog.has_function_privilege({_EMIT_OID}::pg_catalog.oid, 'EXECUTE') THEN "
_IF_WRITTEN = "WHEN pg_catalog.pg_current_xact_id_if_assigned() IS NULL THEN 0 "
_END = f"'::pg_catalog.text))\nLIMIT CASE {_IF_ALLOWED}"
_END_WHEN_WRITTEN = f"'::pg_catalog.text))\nLIMIT CASE {_IF_WRITTEN}{_IF_ALLOWED}"
_PREPARE = f"""PREPARE {{}} (pg_catalog.text) AS VALUES (NULL::pg_catalog.pg_lsn), {_EMIT}$1))
LIMIT CASE {_IF_WRITTEN}{_IF_ALLOWED}2 ELSE 1 END"""


class Message:
    """What is to be said, with the ways of saying it. It is ASCII.

    As an E'' literal, whose rules no setting of the server or the connection changes, it cannot end early.
    A percent sign, which some drivers interpret, is left to JSON.

    :param rest: speaks of what is left of the transaction.
    :param may_be_prepared: the server surely has what was prepared on the connection.
    """

    __slots__ = ("_rest", "_when_written", "may_be_prepared", "text")

    def __init__(
        self, text: str, rest: str | None = None, *, when_written: bool = True, may_be_prepared: bool = False
    ) -> None:
        self.text = text
        self._rest = rest
        self._when_written = when_written
        self.may_be_prepared = may_be_prepared and rest is None and when_written

    def sql(self) -> str:
        """A statement without parameters."""
        texts = [self.text] if self._rest is None else [self.text, self._rest]
        rows = _BETWEEN.join(map(_escaped, texts))
        end = _END_WHEN_WRITTEN if self._when_written else _END
        return f"{_BEGIN}{rows}{end}{1 + len(texts)} ELSE 1 END"

    def executing(self, name: str) -> str:
        """The same, by a statement of this name that :func:`preparing` has prepared."""
        return f"EXECUTE {name}(E'{_escaped(self.text)}')"


# A connection that has sent that many is worth to be asked about, and to have something prepared on it.
_WORTH_ASKING = 4
_WORTH_PREPARING = 2


class Prepared:
    """What is known of a message's statement on one connection.

    It is prepared only where the session is surely the connection's own: a pooler in between, which may
    give each transaction another session, makes up the process id that it tells. And only where the driver
    prepares statements itself, so that what would break ours would break the application's before.
    """

    def __init__(self) -> None:
        self.is_direct: bool | None = None
        self.name: str | None = None
        self._sent = 0
        self._number = 0

    def wants_backend_pid(self) -> bool:
        return self.is_direct is None and self._sent >= _WORTH_ASKING

    def next_name(self) -> str | None:
        """One to prepare now, never used before on this connection; None: not yet, or never."""
        self._sent += 1
        if not self.is_direct or self._sent < _WORTH_PREPARING:
            return None
        self._sent = 0
        self._number += 1
        return f"_bemi_{self._number}"


def preparing(name: str) -> str:
    """PostgreSQL parses and plans a message's statement for longer than it executes it."""
    return _PREPARE.format(name)


def _escaped(message: str) -> str:
    return message.replace("%", "\\u0025").replace("\\", "\\\\").replace("'", "''")


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
