# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is said to the WAL of a connection's statements, and when.

After a statement that may have written, its message waits. It is sent before the next such statement
of the transaction, or with the COMMIT. Its scope is "previous": it speaks of the changes since the
message before it. Messages go before SAVEPOINT as well, and one that waits at ROLLBACK TO is dropped:
a message shares the fate of the changes it speaks of.

Whatever fails in here while a message is made is counted, and the application's statement goes on without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from . import _message, _trace
from ._context import current_context
from ._drivers import Driver, Execution, Prefixing, emit_sql
from ._failures import note_failure
from ._masking import masked
from ._statement import Kind

# What is remembered of a connection until the end of its transaction.
Memory = MutableMapping[Any, Any]
_WAITING = "bemi_waiting"
_READ = "bemi_read"


@dataclass(frozen=True)
class Options:
    sql: bool = True
    trace: bool = True
    prefix: bool = False
    literals: bool = True


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
        self.may_defer = False

    def configure(self, options: Options) -> None:
        self.options = options
        wanted = options.prefix and isinstance(self.driver, Prefixing)
        self._prefixing: Prefixing | None = self.driver if wanted else None  # type: ignore[assignment]

    def learn(self, may_emit: bool, may_defer: bool = False) -> None:
        """What :data:`MAY_EMIT` says of the server."""
        self.may_emit = may_emit
        self.may_defer = may_defer
        if not may_emit:
            note_failure("context cannot be passed", "the role may not call pg_logical_emit_message")

    def execute(self, kind: Kind, said: Said, execution: Execution, memory: Memory) -> None:
        if kind is Kind.READ or not self.may_emit:
            self.note_read(memory)
            execution.run(execution.statement)
        elif execution.connection.autocommit:
            if execution.lazy:
                execution.run(execution.statement)
            else:
                self.driver.execute_alone(lambda scope: self._build(said, scope), execution)
        elif self._prefixing is not None:
            if execution.lazy:  # a declaration is no place for a message
                execution.run(execution.statement)
            else:
                self._execute_prefixed(self._prefixing, kind, said, execution, memory)
        else:
            self._execute_in_turn(kind, said, execution, memory)

    @staticmethod
    def note_read(memory: Memory) -> None:
        memory[_READ] = True

    def commit(self, said: Said, connection: Any, memory: Memory, commit: Callable[[], None]) -> None:
        message = self.last_words(said, connection, memory)
        if message is None:
            commit()
        else:
            self.driver.commit_after(message, connection, commit)

    def last_words(self, said: Said, connection: Any, memory: Memory) -> str | None:
        """The message that waits; else one for what was written past us, such as by a driver's COPY.

        None for a transaction that is known to have read, as reads should cost nothing; and for one that
        has failed: its COMMIT rolls back, and the application is to see what it would without us.
        """
        waiting: Waiting | None = memory.pop(_WAITING, None)
        has_read = memory.pop(_READ, False)
        if self._prefixing is not None:
            return None  # it was sent
        try:
            if waiting is not None:
                is_empty = not waiting.values and waiting.sql is None
                return None if is_empty else self._message_if_possible(waiting, connection, is_last=True)
            if has_read or not (self.may_emit and self.driver.commits_for_free):
                return None
            values = self._values(said)
            if not values or not self.driver.may_speak(connection):
                return None
            text = _message.build(values, None, "transaction")
            return None if text is None else emit_sql(text)
        except Exception as error:
            note_failure("context could not be found", error)
            return None

    def _message_if_possible(self, waiting: Waiting, connection: Any, *, is_last: bool = False) -> str | None:
        """None where it would be refused: the transaction failed, ended without us, or lost its server."""
        if self.driver.may_speak(connection):
            return self._as_statement(waiting, "previous", is_last)
        if not self.driver.in_transaction(connection):
            note_failure("a transaction was ended past Bemi", "its last statement has no context")
        return None

    def _as_statement(self, said: Waiting, scope: _message.Scope, is_last: bool = False) -> str | None:
        try:
            rest = None
            if is_last and self.may_defer and said.values:
                rest = _message.build(said.values, None, "transaction")
            return emit_sql(said.text, rest, when_written=scope != "next")
        except Exception as error:
            note_failure("a message could not be made", error)
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
        message = None
        if before is not None and before is not after:
            del memory[_WAITING]
            if kind is not Kind.UNDO:
                message = self._message_if_possible(before, execution.connection)
        if message is None:
            execution.run(execution.statement)
        elif execution.lazy or kind is Kind.END:
            self.driver.emit(message, execution.connection)
            execution.run(execution.statement)
        else:
            self.driver.execute_after(message, execution)
        if after is not None:
            memory[_WAITING] = after

    def _execute_prefixed(
        self, prefixing: Prefixing, kind: Kind, said: Said, execution: Execution, memory: Memory
    ) -> None:
        before: Waiting | None = memory.get(_WAITING)
        if kind is Kind.UNDO:
            memory.pop(_WAITING, None)
        after = self._what_to_say(said, before, "next") if kind is Kind.WRITE else before
        message = None
        if after is not None and after is not before:
            message = self._as_statement(after, "next")
        if message is None:
            execution.run(execution.statement)
        else:
            prefixing.execute_with(message, execution)
            memory[_WAITING] = after

    def _build(self, said: Said, scope: _message.Scope) -> str | None:
        is_last = scope == "previous"
        return self._as_statement(self._what_to_say(said, None, scope), scope, is_last)

    def _what_to_say(self, said: Said, before: Waiting | None, scope: _message.Scope = "previous") -> Waiting:
        """`before` itself when it says the same: one message then speaks of both statements."""
        sql: str | None = None
        values: dict[str, Any] = {}
        try:
            sql = self._text(said.sql)
            values = self._values(said)
            if before is not None and before.says(sql, values):
                return before
            text = _message.build(values, sql, scope) or _message.build({}, sql, scope)
        except Exception as error:
            note_failure("context could not be found", error)
            text = None
        # Without any, the next message would speak of these changes too.
        return Waiting(sql, values, text or _message.empty(scope))

    def _text(self, sql: str | None) -> str | None:
        if sql is None or not self.options.sql:
            return None
        if len(sql) > _message.SQL_MAX:
            return masked(sql[: _message.SQL_MAX], self.options.literals) + _message.CUT
        return masked(sql, self.options.literals)

    def _values(self, said: Said) -> dict[str, Any]:
        values = current_context()
        if self.options.trace:
            # An active span is nearer to the write than the request's header.
            values.update(_trace.from_active_span())
        for nearer in said.nearer:
            if nearer:
                values.update(nearer)
        return values
