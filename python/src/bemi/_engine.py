# SPDX-License-Identifier: LGPL-3.0-or-later
"""Listens to SQLAlchemy and sends the context of what was written.

After a statement that writes, its message waits. It is sent before the next statement of the
transaction, or, in the same round trip, with the COMMIT. It says "previous": it speaks of the changes
since the message before it. Messages go before SAVEPOINT and ROLLBACK TO, as before any other
statement, so a message shares the fate of the changes it speaks of.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from . import _message
from ._context import current_values
from ._failures import note_failure

# Nothing when the transaction wrote nothing: a message would turn a read into a write.
_EMIT = (
    "SELECT pg_catalog.pg_logical_emit_message(true, %s, %s) "
    "WHERE pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL"
)

# First words of statements that change no row. Anything else may.
_READS = frozenset(
    {"SELECT", "SHOW", "SET", "RESET", "BEGIN", "START", "SAVEPOINT", "RELEASE", "ROLLBACK", "EXPLAIN"}
    | {"COMMIT", "FETCH", "VALUES", "LISTEN", "UNLISTEN", "NOTIFY", "DISCARD", "DEALLOCATE", "DECLARE"}
)

# The statement whose message waits, kept on the connection.
_PENDING = "bemi_pending"


def install_everywhere() -> None:
    """Listens on every engine of this process. Idempotent."""
    for name, listener in _LISTENERS.items():
        if not event.contains(Engine, name, listener):
            event.listen(Engine, name, listener)


def _concerns_us(connection: Connection) -> bool:
    dialect = connection.dialect
    return dialect.name == "postgresql" and dialect.driver in ("psycopg", "psycopg_async")


def _writes(statement: str, context: Any) -> bool:
    if context is not None and (context.isinsert or context.isupdate or context.isdelete):
        return True
    word = statement.lstrip(" \t\r\n(").split(None, 1)[:1]
    return bool(word) and word[0].upper().rstrip(";") not in _READS


def _before_execute(
    connection: Connection, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: bool
) -> None:
    pending = connection.info.get(_PENDING)
    # The same statement again (an executemany in batches): one message speaks of both.
    if pending is None or pending == statement or not _concerns_us(connection):
        return
    connection.info.pop(_PENDING, None)
    text = _message.build(current_values(), pending, "previous")
    if text is not None:
        cursor = connection.connection.cursor()
        try:
            cursor.execute(_EMIT, (_message.PREFIX, text))
        finally:
            cursor.close()


def _after_execute(
    connection: Connection, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: bool
) -> None:
    if _concerns_us(connection) and _writes(statement, context) and not _autocommits(connection):
        connection.info[_PENDING] = statement


def _autocommits(connection: Connection) -> bool:
    return bool(getattr(connection.connection.dbapi_connection, "autocommit", False))


def _on_commit(connection: Connection) -> None:
    pending = connection.info.pop(_PENDING, None)
    if pending is None or not _concerns_us(connection):
        return
    text = _message.build(current_values(), pending, "previous")
    if text is not None:
        _emit_with_commit(connection.connection.dbapi_connection, text)


def _emit_with_commit(dbapi_connection: Any, text: str) -> None:
    """One round trip for both: psycopg then finds the transaction ended, and sends no COMMIT."""
    pipeline = getattr(dbapi_connection, "pipeline", None)
    if pipeline is None:  # the adapter of the async driver has none
        cursor = dbapi_connection.cursor()
        try:
            cursor.execute(_EMIT, (_message.PREFIX, text))
        finally:
            cursor.close()
        return
    with pipeline():
        dbapi_connection.execute(_EMIT, (_message.PREFIX, text))
        dbapi_connection.commit()


def _forget(connection: Connection, *_: Any) -> None:
    connection.info.pop(_PENDING, None)


def _on_prepare(connection: Connection, _xid: Any) -> None:
    if connection.info.pop(_PENDING, None) is not None:
        note_failure("two-phase transactions carry no context", "prepare")


_LISTENERS: dict[str, Any] = {
    "before_cursor_execute": _before_execute,
    "after_cursor_execute": _after_execute,
    "commit": _on_commit,
    "rollback": _forget,
    "prepare_twophase": _on_prepare,
}
