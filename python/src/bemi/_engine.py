# SPDX-License-Identifier: LGPL-3.0-or-later
"""Listens to what SQLAlchemy's dialect tells its driver, and sends the context of what was written.

After a statement that may have written, its message waits. It is sent before the next such statement
of the transaction, or with the COMMIT. Its scope is "previous": it speaks of the changes since the
message before it. Messages go before SAVEPOINT as well, and one that waits at ROLLBACK TO is dropped:
a message shares the fate of the changes it speaks of.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import event
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import PoolProxiedConnection

from . import _message, _trace
from ._context import current_context
from ._drivers import Driver, Execution, Prefixing, Run, driver_named
from ._failures import note_failure
from ._statement import Kind, kind_of

Info = MutableMapping[Any, Any]

# Keys of a connection's info: they last until the end of its transaction.
_WAITING = "bemi_waiting"
_SESSION = "bemi_session"

# Older servers and look-alikes may lack the function, and a role the right: asked once an engine.
_MAY_EMIT = """SELECT count(*) > 0 AND bool_and(pg_catalog.has_function_privilege(oid, 'EXECUTE'))
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


class Tap:
    """Stands between one engine's dialect and its driver."""

    def __init__(self, dialect: Dialect, driver: Driver) -> None:
        self.options = Options()
        self._prefixing: Prefixing | None = None
        self._dialect = dialect
        self._driver = driver
        self._may_emit: bool | None = None
        self._wrapped: list[str] = []
        self._wrap("do_execute", self._on_execute)
        self._wrap("do_executemany", functools.partial(self._on_execute, many=True))
        self._wrap("do_execute_no_params", self._on_execute_without)
        self._wrap("do_commit", self._on_commit)
        self._wrap("do_rollback", self._on_rollback)
        self._wrap("do_prepare_twophase", self._on_prepare)

    def _wrap(self, name: str, replacement: Callable[..., None]) -> None:
        original = getattr(self._dialect, name)
        setattr(self._dialect, name, functools.partial(replacement, original))
        self._wrapped.append(name)

    def configure(self, options: Options) -> None:
        self.options = options
        wanted = options.prefix and isinstance(self._driver, Prefixing)
        self._prefixing = self._driver if wanted else None  # type: ignore[assignment]

    def remove(self) -> None:
        for name in self._wrapped:
            delattr(self._dialect, name)

    def check(self, connection: Connection) -> None:
        """Before the engine's first transaction: a message must never be what fails in it."""
        if self._may_emit is not None:
            return
        pooled = connection.connection
        if self._driver.in_transaction(pooled.dbapi_connection):
            return
        try:
            cursor = pooled.cursor()
            cursor.execute(_MAY_EMIT)
            [self._may_emit] = cursor.fetchone()  # type: ignore[misc]
            cursor.close()
            pooled.rollback()
            if not self._may_emit:
                note_failure("the role may not call pg_logical_emit_message", self._dialect.name)
        except Exception as error:
            self._may_emit = False
            pooled.rollback()
            note_failure("the server does not look like PostgreSQL 14 or newer", error)
        except BaseException:
            pooled.invalidate()
            raise

    # ---- what the dialect is asked to do

    def _on_execute(
        self,
        original: Callable[..., None],
        cursor: Any,
        statement: str,
        parameters: Any,
        context: Any = None,
        many: bool = False,
    ) -> None:
        def run(text: str) -> None:
            original(cursor, text, parameters, context)

        self._execute(cursor, statement, context, run, many)

    def _on_execute_without(
        self, original: Callable[..., None], cursor: Any, statement: str, context: Any = None
    ) -> None:
        def run(text: str) -> None:
            original(cursor, text, context)

        self._execute(cursor, statement, context, run, many=False)

    def _execute(self, cursor: Any, statement: str, context: Any, run: Run, many: bool) -> None:
        kind = self._kind(statement, context)
        if kind is Kind.READ:
            run(statement)
            return
        pooled = context.root_connection.connection
        execution = Execution(pooled.dbapi_connection, cursor, statement, run, many)
        if execution.connection.autocommit:
            build = functools.partial(self._build, context, pooled.info)
            self._driver.execute_alone(build, execution)
        elif self._prefixing is not None:
            self._execute_prefixed(self._prefixing, kind, execution, context, pooled.info)
        else:
            self._execute_in_turn(kind, execution, context, pooled.info)

    def _kind(self, statement: str, context: Any) -> Kind:
        if not self._may_emit or context is None or context._is_server_side:
            return Kind.READ
        if context.isinsert or context.isupdate or context.isdelete:
            return Kind.WRITE
        return kind_of(statement)

    def _execute_in_turn(self, kind: Kind, execution: Execution, context: Any, info: Info) -> None:
        before: Waiting | None = info.get(_WAITING)
        after: Waiting | None = None
        if kind in (Kind.WRITE, Kind.CALL):
            after = self._what_to_say(context, info, before)
        if before is None or before is after:
            execution.run(execution.statement)
        else:
            del info[_WAITING]
            if kind is Kind.UNDO:
                execution.run(execution.statement)
            else:
                self._driver.execute_after(before.text, execution)
        if after is not None:
            info[_WAITING] = after

    def _execute_prefixed(
        self, prefixing: Prefixing, kind: Kind, execution: Execution, context: Any, info: Info
    ) -> None:
        before: Waiting | None = info.get(_WAITING)
        if kind is Kind.UNDO:
            info.pop(_WAITING, None)
        after = self._what_to_say(context, info, before, "next") if kind is Kind.WRITE else before
        if after is None or after is before:
            execution.run(execution.statement)
        else:
            prefixing.execute_with(after.text, execution)
            info[_WAITING] = after

    def _build(self, context: Any, info: Info, scope: _message.Scope) -> str:
        return self._what_to_say(context, info, None, scope).text

    def _on_commit(self, original: Callable[..., None], pooled: Any) -> None:
        text = self._last_words(pooled)
        if text is None:
            original(pooled)
        else:
            self._driver.commit_after(text, pooled.dbapi_connection, lambda: original(pooled))

    def _on_rollback(self, original: Callable[..., None], pooled: Any) -> None:
        info = _info(pooled)
        if info is not None:
            _forget(info)
        original(pooled)

    def _on_prepare(self, original: Callable[..., None], connection: Connection, xid: Any) -> None:
        pooled = connection.connection
        text = self._last_words(pooled)
        if text is not None:
            self._driver.emit(text, pooled.dbapi_connection)
        original(connection, xid)

    # ---- what there is to say

    def _what_to_say(
        self, context: Any, info: Info, before: Waiting | None, scope: _message.Scope = "previous"
    ) -> Waiting:
        """`before` itself when it says the same: one message then speaks of both statements."""
        try:
            values = self._values(info, context.execution_options.get("bemi_context"))
            sql = context.statement if self.options.sql else None
            if before is not None and before.says(sql, values):
                return before
        except Exception as error:
            note_failure("context could not be found", error)
            values, sql = {}, None
        text = _message.build(values, sql, scope)
        # Without any, the next message would speak of these changes too.
        return Waiting(sql, values, text or _message.build({}, sql, scope) or _message.EMPTY)

    def _last_words(self, pooled: Any) -> str | None:
        """The message that waits; else one for what was written past us, such as by a driver's COPY."""
        info = _info(pooled)
        if info is None:
            return None
        waiting: Waiting | None = info.pop(_WAITING, None)
        try:
            if self._prefixing is not None:
                return None  # it was sent
            if waiting is not None:
                return waiting.text if waiting.values or waiting.sql is not None else None
            if not (self._may_emit and self._driver.commits_for_free):
                return None
            values = self._values(info, None)
            if not values or not self._driver.in_transaction(pooled.dbapi_connection):
                return None
            return _message.build(values, None, "transaction")
        except Exception as error:
            note_failure("context could not be found", error)
            return None
        finally:
            _forget(info)

    def _values(self, info: Info, option: Any) -> dict[str, Any]:
        """The nearer wins: the statement's, the session's, the request's, the active span's."""
        values = _trace.from_active_span() if self.options.trace else {}
        # An active span is nearer to the write than the request's header.
        values = {**current_context(), **values}
        session = info.get(_SESSION)
        if session is not None and "bemi" in session:
            values.update(session["bemi"])
        if option:
            values.update(option)
        return values


def _info(pooled: Any) -> Info | None:
    """None for the bare connection by which SQLAlchemy gets to know a server."""
    try:
        return pooled.info if isinstance(pooled, PoolProxiedConnection) else None
    except NotImplementedError:
        return None


def _forget(info: Info) -> None:
    info.pop(_WAITING, None)
    info.pop(_SESSION, None)


# ---- which engines are listened to

_taps: WeakKeyDictionary[Dialect, Tap | None] = WeakKeyDictionary()  # None: not wanted


def install(engine: Any, *, sql: bool = True, trace: bool = True, prefix: bool = False) -> None:
    """Listens to one engine, sync or async; again, with other options, changes these.

    Every engine of PostgreSQL is listened to with the defaults as soon as ``bemi`` is imported; this
    is for options, and for an engine after :func:`uninstall`.

    :param sql: the statement's text, without its parameters, goes with the context as ``SQL``.
    :param trace: an active OpenTelemetry span goes along as ``trace_id`` and ``span_id``.
    :param prefix: psycopg2 only: a message stands in front of its statement, in one text and one round
        trip, instead of in a round trip before COMMIT. Functions that write are not noticed then.
    :raises TypeError: the engine is not one of PostgreSQL with a driver that Bemi knows.

    >>> bemi.install(engine, sql=False)
    """
    dialect = _sync_engine(engine).dialect
    tap = _taps.get(dialect) or _attach(dialect)
    if tap is None:
        raise TypeError(f"{dialect.name}+{dialect.driver}: Bemi knows psycopg, psycopg2 and asyncpg")
    tap.configure(Options(sql=sql, trace=trace, prefix=prefix))


def uninstall(engine: Any) -> None:
    """Leaves an engine alone: its changes are tracked without context from here on."""
    dialect = _sync_engine(engine).dialect
    tap = _taps.get(dialect)
    if tap is not None:
        tap.remove()
    _taps[dialect] = None


def _sync_engine(engine: Any) -> Engine:
    sync: Engine = getattr(engine, "sync_engine", engine)
    return sync


def _attach(dialect: Dialect) -> Tap | None:
    postgresql = dialect.name == "postgresql"
    driver = driver_named(dialect.driver, dialect.is_async) if postgresql else None
    _taps[dialect] = None if driver is None else Tap(dialect, driver)
    return _taps[dialect]


def _tap(dialect: Dialect) -> Tap | None:
    return _taps[dialect] if dialect in _taps else _attach(dialect)


def install_everywhere() -> None:
    """Listens on every engine of this process. Idempotent."""
    if not event.contains(Engine, "engine_connect", _on_engine_connect):
        event.listen(Engine, "engine_connect", _on_engine_connect)
        event.listen(Engine, "do_connect", _on_do_connect)
        event.listen(Session, "after_begin", _on_session_begin)


def _on_engine_connect(connection: Connection) -> None:
    tap = _tap(connection.dialect)
    if tap is not None:
        tap.check(connection)


def _on_do_connect(dialect: Dialect, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
    if dialect.driver == "asyncpg" and _tap(dialect) is not None:
        from ._drivers.asyncpg import prepare_connect

        prepare_connect(parameters)


def _on_session_begin(session: Session, _transaction: Any, connection: Connection) -> None:
    if _taps.get(connection.dialect) is not None:
        connection.info[_SESSION] = session.info
