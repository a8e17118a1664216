# SPDX-License-Identifier: LGPL-3.0-or-later
"""What is said to the WAL of a connection's statements, and when.

After a statement that may have written, its message waits. It is sent before the next such statement
of the transaction, or with the COMMIT. Its scope is "previous": it speaks of the changes since the
message before it. Messages go before SAVEPOINT as well, and one that waits at ROLLBACK TO is dropped:
a message shares the fate of the changes it speaks of.

Whatever fails in here while a message is made is counted, and the application's statement goes on without.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal, NamedTuple

from . import _message, _trace
from ._context import Holder, current_context, in_force
from ._drivers import Driver, Execution, Message, Prefixing, copies
from ._failures import note_failure
from ._masking import masked
from ._message import Scope
from ._signing import Signer, Signing, key_of_environment, parse_key
from ._statement import REMEMBERED_MAX, Kind, is_of_rows, prepares_transaction, runs_code

# Notes about a connection, kept until the end of its transaction.
Memory = MutableMapping[Any, Any]
WAITING = "bemi_waiting"
READ = "bemi_read"
# Kept as long as the connection: something ran on it that may have dropped the prepared messages.
_UNSURE = "bemi_unsure"
# Likewise: how its messages are signed.
_SIGNING = "bemi_signing"


_NOT_ALONG = "AUTOCOMMIT: no context goes along"


class Options(NamedTuple):
    sql: bool | Literal["text", "hash"] = True
    trace: bool = True
    prefix: bool = False
    literals: bool = False
    sql_filter: Callable[[str], str | None] | None = None
    context_key: str | None = None  # None: what the environment says


class Waiting:
    """A message that is not sent yet: its parts, either of which may be empty.

    :param made_of: the statement, the holder and its state, if nothing else is in the message.
    """

    __slots__ = ("context", "made_of", "sql")

    def __init__(self, context: str, sql: str, made_of: tuple[str, Holder | None, int] | None = None) -> None:
        self.context = context
        self.sql = sql
        self.made_of = made_of


class Said:
    """Where the context of a statement comes from; the later ones win over the request's."""

    __slots__ = ("nearer", "sql")

    def __init__(self, sql: str | None = None, nearer: tuple[Mapping[str, Any] | None, ...] = ()) -> None:
        self.sql = sql
        self.nearer = nearer


class Conversation:
    """The rules of when to say what, with one driver."""

    def __init__(self, driver: Driver, options: Options | None = None) -> None:
        self.driver = driver
        self.configure(options or Options())
        # None: not known yet, so nothing is sent. A message must never be what fails in a transaction.
        self.may_emit: bool | None = None
        self.may_defer = False
        self._database = ""

    def configure(self, options: Options) -> None:
        """:raises ValueError: there is no such key."""
        key = options.context_key or key_of_environment()
        self._key = None if key is None else parse_key(key)
        self._signer: Signer | None = None  # made once the database's name is known
        self.options = options
        self._remembered_sql = functools.lru_cache(maxsize=1024)(self._sql_member)
        wanted = options.prefix and isinstance(self.driver, Prefixing)
        self._prefixing: Prefixing | None = self.driver if wanted else None  # type: ignore[assignment]

    def learn(self, may_emit: bool, may_defer: bool = False, database: str = "") -> None:
        """What :data:`MAY_EMIT` says of the server."""
        self.may_emit = may_emit
        self.may_defer = may_defer
        self._database = database
        self._signer = None
        if not may_emit:
            note_failure("context cannot be passed", "the role may not call pg_logical_emit_message")

    def begin_session(self, memory: Memory) -> None:
        """What this connection signs from here on may be committed before what it has signed so far."""
        memory.pop(_SIGNING, None)

    def _signing(self, memory: Memory) -> Signing | None:
        if self._key is None:
            return None
        signing: Signing | None = memory.get(_SIGNING)
        if signing is None or signing.signer is not self._signer:
            if self._signer is None:
                self._signer = Signer(*self._key, self._database)
            signing = memory[_SIGNING] = Signing(self._signer)
        return signing

    def execute(self, kind: Kind, said: Said, execution: Execution, memory: Memory) -> None:
        if (
            kind is Kind.FORGET
            or kind is Kind.CALL
            or (kind is Kind.WRITE and not is_of_rows(execution.statement))
        ):
            memory[_UNSURE] = True
        if kind is Kind.READ or kind is Kind.FORGET or not self.may_emit:
            memory[READ] = True
            execution.run(execution.statement)
        elif execution.connection.autocommit:
            if runs_code(execution.statement):
                note_failure(_NOT_ALONG, "with CALL, DO and several statements in one text")
            if not execution.lazy:
                self.driver.execute_alone(lambda scope: self._build(said, scope, memory), execution)
                return
            execution.run(execution.statement)
            # Refused by now, but for WITH HOLD and in a transaction that the application's own BEGIN began.
            note_failure(_NOT_ALONG, "with a stream whose statement may write")
        elif self._prefixing is not None:
            if execution.lazy:  # a declaration is no place for a message
                execution.run(execution.statement)
            else:
                self._execute_prefixed(self._prefixing, kind, said, execution, memory)
        else:
            self._execute_in_turn(kind, said, execution, memory)

    def glance(self, sql: str, before: Waiting | None, connection: Any) -> Waiting | None:
        """What waits after one of the commonest writes, with nothing nearer than the request, at the least cost.

        `before` itself: the statement is as the one before it, and needs nothing. None: it needs more than a glance.
        """
        if (
            not self.may_emit
            or self._prefixing is not None
            or (self.options.trace and _trace.may_be_active())
        ):
            return None
        if before is None:
            return None if connection.autocommit else self._what_to_say(Said(sql), None, may_trace=False)
        made_of = before.made_of
        if made_of is None:
            return None
        holder = in_force()
        if holder is not made_of[1] or (holder is not None and holder.stamp() != made_of[2]):
            return None
        if made_of[0] == sql:
            return before
        said = self._sql_to_say(sql)
        return before if said == before.sql else Waiting(before.context, said, (sql, holder, made_of[2]))

    def go_on(self, before: Waiting, after: Waiting, execution: Execution, memory: Memory) -> None:
        """The statement that :func:`glance` says `after` of: another one than what is spoken of in `before`."""
        del memory[WAITING]
        message = self._message_if_possible(before, execution.connection, memory)
        self._execute_after(message, execution)
        memory[WAITING] = after

    def has_only_read(self, connection: Any, memory: Memory) -> bool:
        """Reads should cost nothing."""
        if WAITING in memory or not memory.pop(READ, False):
            return False
        return not (copies.are_made and self.driver.has_copied(connection))

    def commit(self, said: Said, connection: Any, memory: Memory, commit: Callable[[], None]) -> bool:
        """Tells whether a message went along."""
        message = self.last_words(said, connection, memory)
        if message is None:
            commit()
            return False
        self.driver.commit_after(message, connection, commit)
        return True

    def last_words(self, said: Said, connection: Any, memory: Memory) -> Message | None:
        """The message that waits; else one for what was written past us, such as by a driver's COPY.

        None for a transaction that is known to have read alone; and for one that has failed: its COMMIT rolls
        back, and the application is to see what it would without us.
        """
        waiting: Waiting | None = memory.pop(WAITING, None)
        has_only_read = waiting is None and self.has_only_read(connection, memory)
        memory.pop(READ, None)
        if self._prefixing is not None:
            return None  # it was sent
        try:
            if waiting is not None:
                is_empty = not waiting.context and not waiting.sql
                return (
                    None if is_empty else self._message_if_possible(waiting, connection, memory, is_last=True)
                )
            if has_only_read or not self.may_emit:
                return None
            context = self._what_to_say(said, None).context
            if not context or not self.driver.may_speak(connection):
                return None
            text = _message.joined(context, "", "transaction", self._signing(memory))
            return Message(text, may_be_prepared=_UNSURE not in memory)
        except Exception as error:
            note_failure("context could not be found", error)
            return None

    def _message_if_possible(
        self, waiting: Waiting, connection: Any, memory: Memory, *, is_last: bool = False
    ) -> Message | None:
        """None where it would be refused: the transaction failed, ended without us, or lost its server."""
        if self.driver.may_speak(connection):
            # Rows that came in by COPY are spoken of as well: whether the statement made one, nobody can tell.
            sql = "" if copies.are_made and self.driver.has_copied(connection) else waiting.sql
            return self._message(waiting.context, sql, "previous", memory, is_last, _UNSURE not in memory)
        if not self.driver.in_transaction(connection):
            note_failure("a transaction was ended past Bemi", "its last statement has no context")
        return None

    def _message(
        self,
        context: str,
        sql: str,
        scope: Scope,
        memory: Memory,
        is_last: bool = False,
        may_be_prepared: bool = False,
    ) -> Message | None:
        try:
            signing = self._signing(memory)
            text = _message.joined(context, sql, scope, signing)
            rest = None
            if is_last and self.may_defer and context:
                rest = _message.joined(context, "", "transaction", signing)
            return Message(text, rest, when_written=scope != "next", may_be_prepared=may_be_prepared)
        except Exception as error:
            note_failure("a message could not be made", error)
            return None

    def forget(self, connection: Any, memory: Memory) -> None:
        memory.pop(WAITING, None)
        memory.pop(READ, None)
        if copies.are_made and connection is not None:
            self.driver.has_copied(connection)

    def _execute_in_turn(self, kind: Kind, said: Said, execution: Execution, memory: Memory) -> None:
        before: Waiting | None = memory.get(WAITING)
        after: Waiting | None = None
        if kind in (Kind.WRITE, Kind.CALL):
            after = self._what_to_say(said, before)
        message = None
        if before is not None and before is not after:
            del memory[WAITING]
            if kind is not Kind.UNDO:
                message = self._message_if_possible(before, execution.connection, memory)
        self._execute_after(message, execution, is_apart=kind is Kind.END)
        if kind is Kind.END and prepares_transaction(execution.statement):
            self.begin_session(memory)
        if after is not None:
            memory[WAITING] = after

    def _execute_after(
        self, message: Message | None, execution: Execution, *, is_apart: bool = False
    ) -> None:
        if message is None:
            execution.run(execution.statement)
        elif is_apart or execution.lazy:
            self.driver.emit(message, execution.connection)
            execution.run(execution.statement)
        else:
            self.driver.execute_after(message, execution)

    def _execute_prefixed(
        self, prefixing: Prefixing, kind: Kind, said: Said, execution: Execution, memory: Memory
    ) -> None:
        before: Waiting | None = memory.get(WAITING)
        if kind is Kind.UNDO:
            memory.pop(WAITING, None)
        after = self._what_to_say(said, before) if kind is Kind.WRITE else before
        message = None
        if after is not None and after is not before:
            message = self._message(after.context, after.sql, "next", memory)
        if message is None:
            execution.run(execution.statement)
        else:
            prefixing.execute_with(message, execution)
            memory[WAITING] = after

    def _build(self, said: Said, scope: Scope, memory: Memory) -> Message | None:
        is_last = scope == "previous"
        alone = self._what_to_say(said, None)
        return self._message(alone.context, alone.sql, scope, memory, is_last)

    def _sql_to_say(self, statement: str | None) -> str:
        try:
            if statement is None or not self.options.sql:
                return ""
            is_short = len(statement) <= REMEMBERED_MAX
            return self._remembered_sql(statement) if is_short else self._sql_member(statement)
        except Exception as error:
            note_failure("a statement's text could not be passed", error)
            return ""

    def _what_to_say(self, said: Said, before: Waiting | None, may_trace: bool = True) -> Waiting:
        """`before` itself when it says the same: one message then speaks of both statements.

        Without anything to say there is a message too, or the next one would speak of these changes.
        """
        context = ""
        sql = self._sql_to_say(said.sql)
        made_of = None
        try:
            # An active span is nearer to the write than the request's header.
            span = _trace.from_active_span() if may_trace and self.options.trace else None
            if span or any(said.nearer):
                context = self._merged(span or {}, said.nearer, bool(sql))
            else:
                holder = in_force()
                if holder is not None:
                    context = holder.members(bool(sql))
                stamp = 0 if holder is None else holder.encoded_at()
                if stamp >= 0 and said.sql is not None:
                    made_of = (said.sql, holder, stamp)
        except Exception as error:
            note_failure("context could not be found", error)
        if before is not None and before.context == context and before.sql == sql:
            return before
        return Waiting(context, sql, made_of)

    def _sql_member(self, sql: str) -> str:
        """What a message says of a statement; empty for nothing."""
        options = self.options
        if options.sql_filter is not None:
            filtered = options.sql_filter(sql)
            if not filtered:
                return ""
            sql = filtered
        if options.sql == "hash":
            import hashlib

            return _message.sql_member("sha256:" + hashlib.sha256(sql.encode("utf-8", "replace")).hexdigest())
        if len(sql) > _message.SQL_MAX:
            return _message.sql_member(masked(sql[: _message.SQL_MAX], options.literals) + _message.CUT)
        return _message.sql_member(masked(sql, options.literals))

    @staticmethod
    def _merged(span: dict[str, str], nearer: tuple[Mapping[str, Any] | None, ...], with_sql: bool) -> str:
        values = current_context()
        values.update(span)
        for one in nearer:
            if one:
                values.update(one)
        return _message.members(values, with_sql)
