# SPDX-License-Identifier: LGPL-3.0-or-later
"""Stands between SQLAlchemy's dialects and their drivers: which engines, and what they are asked to do."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import PoolProxiedConnection

from ._autogenerate import tell_alembic
from ._conversation import READ, WAITING, Conversation, Memory, Options, Said
from ._drivers import MAY_EMIT, Execution, Preparing, copies, driver_named
from ._failures import note_failure
from ._statement import Kind, is_of_rows, kind_of

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

# In a connection's memory: the info of the sessions in whose transactions it is, the innermost last.
_SESSION = "bemi_session"
# There too: the connection has been asked for its backend's process id, or will never be.
_ASKED = "bemi_asked"
# On a dialect: what stands in front of it; None when it is to be left alone.
_TAP = "bemi_tap"
# What a transaction may leave there.
_KEPT = frozenset({_SESSION, WAITING, READ})
_NOTHING = Said()


class Tap:
    """Stands in front of one engine's dialect."""

    def __init__(self, dialect: Dialect, conversation: Conversation) -> None:
        self.conversation = conversation
        self.preparing = conversation.driver if isinstance(conversation.driver, Preparing) else None
        self._dialect = dialect
        self._wrapped: list[str] = []
        self._wrap("do_execute", self._on_execute)
        self._wrap("do_executemany", functools.partial(self._on_execute, many=True))
        self._wrap("do_execute_no_params", self._on_execute_without)
        self._wrap("do_commit", self._on_commit)
        self._wrap("do_rollback", self._on_rollback)
        self._wrap("do_begin_twophase", self._on_begin_twophase)
        self._wrap("do_prepare_twophase", self._on_prepare)

    def _wrap(self, name: str, replacement: Callable[..., None]) -> None:
        original = getattr(self._dialect, name)
        setattr(self._dialect, name, functools.partial(replacement, original))
        self._wrapped.append(name)

    def remove(self) -> None:
        for name in self._wrapped:
            delattr(self._dialect, name)

    def check(self, pooled: Any) -> None:
        """Asks once, before the engine's first transaction, whether the server takes messages."""
        if self.conversation.driver.in_transaction(pooled.dbapi_connection):
            return
        try:
            cursor = pooled.cursor()
            cursor.execute(MAY_EMIT)
            row: Any = cursor.fetchone()
            cursor.close()
            pooled.rollback()
            self.conversation.learn(bool(row[0]), bool(row[1]), str(row[2]))
        except Exception as error:
            pooled.rollback()
            note_failure("the server does not look like PostgreSQL 14 or newer", error)
            self.conversation.learn(False)
        except BaseException:
            pooled.invalidate()
            raise

    def ask_backend_pid(self, pooled: Any) -> None:
        """Asks once, between the transactions of a connection that has sent some messages."""
        pid = 0
        connection = pooled.dbapi_connection
        if self.preparing is None or self.conversation.driver.in_transaction(connection):
            return
        try:
            cursor = pooled.cursor()
            cursor.execute("SELECT pg_catalog.pg_backend_pid()")
            pid = int(cursor.fetchone()[0])
            cursor.close()
            pooled.commit()  # no rollback: psycopg would have the server forget what it has prepared
        except Exception as error:
            note_failure("a message could not be prepared", error)
            with contextlib.suppress(Exception):  # the application's own transaction has gone well
                pooled.rollback()
        except BaseException:
            pooled.invalidate()
            raise
        self.preparing.learn_backend_pid(connection, pid)

    def _on_execute(
        self,
        original: Callable[..., None],
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any = None,
        many: bool = False,
    ) -> None:
        if context is None or (memory := _memory(pooled := context.root_connection.connection)) is None:
            original(cursor, statement, parameters, context)
            return
        is_made = context.isinsert or context.isupdate or context.isdelete
        kind = Kind.WRITE if is_made else kind_of(statement)
        if kind is Kind.READ:
            memory[READ] = True
            original(cursor, statement, parameters, context)
            return
        option = context.execution_options.get("bemi_context")
        nearer = _nearer(memory, option) if option or _SESSION in memory else ()
        before = after = None
        if kind is Kind.WRITE and not nearer and (is_made or is_of_rows(statement)):
            before = memory.get(WAITING)
            after = self.conversation.glance(context.statement, before, pooled.dbapi_connection)
            if after is not None and (before is None or after is before):
                original(cursor, statement, parameters, context)
                memory[WAITING] = after
                return

        def run(text: str) -> None:
            original(cursor, text, parameters, context)

        # A server-side cursor is declared now and read later, between other statements.
        execution = Execution(
            pooled.dbapi_connection, cursor, statement, run, many, lazy=context._is_server_side
        )
        if before is not None and after is not None:
            self.conversation.go_on(before, after, execution, memory)
        else:
            # The context's statement, not the cursor's: that holds all the rows of a batch.
            self.conversation.execute(kind, Said(context.statement, nearer), execution, memory)

    def _on_execute_without(
        self, original: Callable[..., None], cursor: Any, statement: str, context: Any = None
    ) -> None:
        if context is None or (memory := _memory(pooled := context.root_connection.connection)) is None:
            original(cursor, statement, context)
            return

        def run(text: str) -> None:
            original(cursor, text, context)

        is_made = context.isinsert or context.isupdate or context.isdelete
        kind = Kind.WRITE if is_made else kind_of(statement)
        said = Said(context.statement, _nearer(memory, context.execution_options.get("bemi_context")))
        execution = Execution(
            pooled.dbapi_connection, cursor, statement, run, many=False, lazy=context._is_server_side
        )
        self.conversation.execute(kind, said, execution, memory)

    def _on_commit(self, original: Callable[..., None], pooled: Any) -> None:
        memory = _memory(pooled)
        if memory is None:
            original(pooled)
            return
        said = _NOTHING
        if _SESSION in memory:
            said = Said(nearer=_nearer(memory))
            del memory[_SESSION]
        connection = pooled.dbapi_connection
        if self.conversation.has_only_read(connection, memory):
            original(pooled)
            return
        commit = functools.partial(original, pooled)
        has_spoken = self.conversation.commit(said, connection, memory, commit)
        if self.preparing is None or not has_spoken or _ASKED in memory:
            return
        if self.preparing.wants_backend_pid(connection):
            self.ask_backend_pid(pooled)
            memory[_ASKED] = True

    def _on_rollback(self, original: Callable[..., None], pooled: Any) -> None:
        memory = _memory(pooled)
        # The pool rolls back each connection that it takes back: after a COMMIT there is nothing to forget.
        if memory is not None and (copies.are_made or not _KEPT.isdisjoint(memory)):
            memory.pop(_SESSION, None)
            self.conversation.forget(pooled.dbapi_connection, memory)
        original(pooled)

    def _on_begin_twophase(self, original: Callable[..., None], connection: Connection, xid: Any) -> None:
        if self.conversation.may_emit is None:
            self.check(connection.connection)
        original(connection, xid)

    def _on_prepare(self, original: Callable[..., None], connection: Connection, xid: Any) -> None:
        pooled = connection.connection
        said = Said(nearer=_nearer(pooled.info))
        message = self.conversation.last_words(said, pooled.dbapi_connection, pooled.info)
        if message is not None:
            self.conversation.driver.emit(message, pooled.dbapi_connection)
        self.conversation.begin_session(pooled.info)
        original(connection, xid)


def _nearer(memory: Memory, option: Any = None) -> tuple[Any, ...]:
    """The session's context, then the statement's, which wins; empty without any."""
    sessions = memory.get(_SESSION)
    session = sessions[-1].get("bemi") if sessions else None
    return (session, option) if session or option else ()


def _memory(pooled: Any) -> Memory | None:
    """None for the bare connection by which SQLAlchemy gets to know a server."""
    try:
        return pooled.info if isinstance(pooled, PoolProxiedConnection) else None
    except NotImplementedError:
        return None


# ---- which engines are listened to


def install(
    engine: Any,
    *,
    sql: bool | Literal["text", "hash"] = True,
    trace: bool = True,
    prefix: bool = False,
    literals: bool = False,
    sql_filter: Callable[[str], str | None] | None = None,
    context_key: str | None = None,
) -> None:
    """Listens to one engine, sync or async; again, with other options, changes these.

    Every engine of PostgreSQL is listened to with the defaults as soon as ``bemi`` is imported; this
    is for options, and for an engine after :func:`uninstall`.

    :param sql: ``True`` or ``"text"``: the statement's text, without its parameters, goes with the context
        as ``SQL``. ``"hash"``: its SHA-256. ``False``: neither.
    :param trace: an active OpenTelemetry span goes along as ``trace_id`` and ``span_id``.
    :param prefix: psycopg2 only: a message stands in front of its statement, in one text and one round
        trip. Functions that write are not noticed then, and errors that quote a line of the statement's
        text count the message's lines too.
    :param literals: the constants in the statement's text go along too. Without it ``'***'`` and ``?`` stand
        for them. Passwords never go along.
    :param sql_filter: is given a statement's text, and says what goes along instead of it; ``None`` for
        nothing. Its answer is remembered: it is asked once for the same short text.
    :param context_key: ``ID:SECRET``: messages are signed with it, so that the history tells them from forged
        ones. The worker has the same key. ``None``: the environment's ``BEMI_CONTEXT_KEY``, if there is one.
    :raises TypeError: the engine is not one of PostgreSQL with a driver that Bemi knows.
    :raises ValueError: ``sql`` is none of these, or ``context_key`` is no key.

    >>> bemi.install(engine, sql=False)
    """
    if sql not in (True, False, "text", "hash"):
        raise ValueError(f"sql={sql!r}: it is 'text', 'hash' or False")
    dialect = _sync_engine(engine).dialect
    tap: Tap | None = getattr(dialect, _TAP, None) or _attach(dialect)
    if tap is None:
        raise TypeError(f"{dialect.name}+{dialect.driver}: Bemi knows psycopg, psycopg2 and asyncpg")
    tap.conversation.configure(Options(sql, trace, prefix, literals, sql_filter, context_key))


def uninstall(engine: Any) -> None:
    """Leaves an engine alone: its changes are tracked without context from here on."""
    dialect = _sync_engine(engine).dialect
    tap: Tap | None = getattr(dialect, _TAP, None)
    if tap is not None:
        tap.remove()
    setattr(dialect, _TAP, None)


def _sync_engine(engine: Any) -> Engine:
    sync: Engine = getattr(engine, "sync_engine", engine)
    return sync


def _attach(dialect: Dialect) -> Tap | None:
    postgresql = dialect.name == "postgresql"
    driver = driver_named(dialect.driver, dialect.is_async) if postgresql else None
    tap = None if driver is None else Tap(dialect, Conversation(driver))
    setattr(dialect, _TAP, tap)
    tell_alembic()
    return tap


def _tap(dialect: Dialect) -> Tap | None:
    tap: Tap | None = getattr(dialect, _TAP) if hasattr(dialect, _TAP) else _attach(dialect)
    return tap


def install_everywhere() -> None:
    """Listens on every engine of this process. Idempotent.

    Not by events: a listener of the class Engine would cost each statement of every engine some 10 µs.
    """
    if DefaultDialect.do_begin is not _on_begin:
        DefaultDialect.do_begin = _on_begin  # type: ignore[method-assign]
        DefaultDialect.initialize = _on_initialize  # type: ignore[method-assign,assignment]


_begin = DefaultDialect.do_begin
_initialize = DefaultDialect.initialize


def _on_initialize(dialect: DefaultDialect, connection: Connection) -> None:
    """At an engine's first connection."""
    _tap(dialect)
    _initialize(dialect, connection)


def _on_begin(dialect: DefaultDialect, pooled: Any) -> None:
    """Before an engine's first transaction, whenever it was made; and before all others."""
    _begin(dialect, pooled)  # type: ignore[no-untyped-call]
    tap = dialect.__dict__.get(_TAP)
    if tap is None:
        tap = _tap(dialect)
    if tap is not None and tap.conversation.may_emit is None:
        tap.check(pooled)
    if not _sessions_are_heard:
        _hear_sessions()


# ---- sessions with a context of their own

_sessions_are_heard = False
# On a session: the memories of the connections that it is in a transaction of.
_JOINED = "_bemi_joined"


def _hear_sessions() -> None:
    """Who has not imported SQLAlchemy's ORM has no session, and need not pay for it."""
    global _sessions_are_heard
    if "sqlalchemy.orm" in sys.modules:
        from sqlalchemy import event
        from sqlalchemy.orm import Session

        event.listen(Session, "after_begin", _on_session_begin)
        event.listen(Session, "after_transaction_end", _on_session_end)
        _sessions_are_heard = True


def _on_session_begin(session: Session, _transaction: Any, connection: Connection) -> None:
    if getattr(connection.dialect, _TAP, None) is None:
        return
    memory = connection.info
    sessions = memory.setdefault(_SESSION, [])
    for info in sessions:
        if info is session.info:  # a savepoint begins one too
            return
    sessions.append(session.info)
    session.__dict__.setdefault(_JOINED, []).append(memory)


def _on_session_end(session: Session, transaction: Any) -> None:
    """A connection that the session joined may go on without it."""
    if transaction.parent is not None:
        return
    for memory in session.__dict__.pop(_JOINED, ()):
        sessions = memory.get(_SESSION)
        if sessions is None:  # the transaction of the connection has ended too
            continue
        others = [info for info in sessions if info is not session.info]
        if others:
            memory[_SESSION] = others
        else:
            del memory[_SESSION]
