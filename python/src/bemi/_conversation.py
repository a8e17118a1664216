# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is said to the WAL of a connection's statements, and when.

After a statement that may have written, its message waits. It is sent before the next such statement
of the transaction, or with the COMMIT. Its scope is "previous": it speaks of the changes since the
message before it. Messages go before SAVEPOINT as well, and one that waits at ROLLBACK TO is dropped:
a message shares the fate of the changes it speaks of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from . import _message, _trace
from ._context import current_context
from ._drivers import Driver, Execution, Prefixing
from ._failures import note_failure
from ._statement import Kind

# What is remembered of a connection until the end of its transaction.
Memory = MutableMapping[Any, Any]
_WAITING = "bemi_waiting"
_READ = "bemi_read"

# Older servers and look-alikes may lack the function, and a role the right.
MAY_EMIT = """SELECT count(*) > 0 AND bool_and(pg_catalog.has_function_privilege(oid, 'EXECUTE'))
FROM pg_catalog.pg_proc WHERE proname = 'pg_logical_emit_message'"""


@dataclass(frozen=True)
class Options:
    sql: bool = True
    trace: bool = True
    prefix: bool = False


@dataclass
class Waiting:
    """A message that is not sent yet, and what it was made from."""

    sql: str | None
    values: dict[str, Any]
    text: str

    def says(self, sql: str | None, values: dict[str, Any]) -> bool:
        try:
            return self.sql == sql and bool(self.values == values)
        except Exception:  # values of any kind, compared in any way
            return False


@dataclass(frozen=True)
class Said:
    """Where the context of a statement comes from; the later ones win over the request's."""

    sql: str | None = None
    nearer: tuple[Mapping[str, Any] | None, ...] = ()


class Conversation:
    """The rules of when to say what, with one driver."""

    def __init__(self, driver: Driver, options: Options | None = None) -> None:
        self.driver = driver
        self.configure(options or Options())
        # None: not known yet, so nothing is sent. A message must never be what fails in a transaction.
        self.may_emit: bool | None = None

    def configure(self, options: Options) -> None:
        self.options = options
        wanted = options.prefix and isinstance(self.driver, Prefixing)
        self._prefixing: Prefixing | None = self.driver if wanted else None  # type: ignore[assignment]

    def learn(self, may_emit: bool) -> None:
        self.may_emit = may_emit
        if not may_emit:
            note_failure("context cannot be passed", "the role may not call pg_logical_emit_message")

    def execute(self, kind: Kind, said: Said, execution: Execution, memory: Memory) -> None:
        if kind is Kind.READ or not self.may_emit:
            self.note_read(memory)
            execution.run(execution.statement)
        elif execution.connection.autocommit:
            self.driver.execute_alone(functools.partial(self._build, said), execution)
        elif self._prefixing is not None:
            self._execute_prefixed(self._prefixing, kind, said, execution, memory)
        else:
            self._execute_in_turn(kind, said, execution, memory)

    @staticmethod
    def note_read(memory: Memory) -> None:
        memory[_READ] = True

    def commit(self, said: Said, connection: Any, memory: Memory, commit: Callable[[], None]) -> None:
        text = self.last_words(said, connection, memory)
        if text is None:
            commit()
        else:
            self.driver.commit_after(text, connection, commit)

    def last_words(self, said: Said, connection: Any, memory: Memory) -> str | None:
        """The message that waits; else one for what was written past us, such as by a driver's COPY.

        None for a transaction that is known to have read: reads should cost nothing.
        """
        waiting: Waiting | None = memory.pop(_WAITING, None)
        has_read = memory.pop(_READ, False)
        if self._prefixing is not None:
            return None  # it was sent
        if waiting is not None:
            return waiting.text if waiting.values or waiting.sql is not None else None
        if has_read or not (self.may_emit and self.driver.commits_for_free):
            return None
        try:
            values = self._values(said)
            if not values or not self.driver.in_transaction(connection):
                return None
            return _message.build(values, None, "transaction")
        except Exception as error:
            note_failure("context could not be found", error)
            return None

    @staticmethod
    def forget(memory: Memory) -> None:
        memory.pop(_WAITING, None)
        memory.pop(_READ, None)

    def _execute_in_turn(self, kind: Kind, said: Said, execution: Execution, memory: Memory) -> None:
        before: Waiting | None = memory.get(_WAITING)
        after: Waiting | None = None
        if kind in (Kind.WRITE, Kind.CALL):
            after = self._what_to_say(said, before)
        if before is None or before is after:
            execution.run(execution.statement)
        else:
            del memory[_WAITING]
            if kind is Kind.UNDO:
                execution.run(execution.statement)
            else:
                self.driver.execute_after(before.text, execution)
        if after is not None:
            memory[_WAITING] = after

    def _execute_prefixed(
        self, prefixing: Prefixing, kind: Kind, said: Said, execution: Execution, memory: Memory
    ) -> None:
        before: Waiting | None = memory.get(_WAITING)
        if kind is Kind.UNDO:
            memory.pop(_WAITING, None)
        after = self._what_to_say(said, before, "next") if kind is Kind.WRITE else before
        if after is None or after is before:
            execution.run(execution.statement)
        else:
            prefixing.execute_with(after.text, execution)
            memory[_WAITING] = after

    def _build(self, said: Said, scope: _message.Scope) -> str:
        return self._what_to_say(said, None, scope).text

    def _what_to_say(self, said: Said, before: Waiting | None, scope: _message.Scope = "previous") -> Waiting:
        """`before` itself when it says the same: one message then speaks of both statements."""
        sql = said.sql if self.options.sql else None
        try:
            values = self._values(said)
        except Exception as error:
            note_failure("context could not be found", error)
            values = {}
        if before is not None and before.says(sql, values):
            return before
        text = _message.build(values, sql, scope)
        # Without any, the next message would speak of these changes too.
        return Waiting(sql, values, text or _message.build({}, sql, scope) or _message.EMPTY)

    def _values(self, said: Said) -> dict[str, Any]:
        values = current_context()
        if self.options.trace:
            # An active span is nearer to the write than the request's header.
            values.update(_trace.from_active_span())
        for nearer in said.nearer:
            if nearer:
                values.update(nearer)
        return values
