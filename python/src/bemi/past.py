# SPDX-License-Identifier: LGPL-3.0-or-later
"""Sessions of the past: ORM objects as they were.

    with bemi.as_of("2026-11-23 17:09:14+00", engine=destination) as session:
        session.scalars(select(Todo))

The session reads the views that Bemi keeps in the destination (`time_travel` for schema `public`,
`time_travel_<schema>` for others), in read-only transactions. It is a new one: objects of the present stay
what they are. Writing raises.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import ORMExecuteState, Session

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

_SETTINGS = text(
    "select set_config('bemi.as_of', :moment, true), set_config('bemi.partial', :partial, true),"
    " set_config('bemi.allow_stale', :allow_stale, true), set_config('search_path', 'time_travel', true)"
)

_NAME_BYTES_MAX = 63  # of PostgreSQL


class PastIsReadOnly(RuntimeError):
    """A session of the past writes nothing."""


@contextmanager
def as_of(
    when: datetime | str,
    engine: Engine,
    *,
    partial: bool = False,
    allow_stale: bool = False,
    **session_options: Any,
) -> Iterator[Session]:
    """A session that sees the tracked tables as they were.

    `when`: a time, or what the command line takes for TIME: an LSN, a transaction id, a mark.
    `engine`: of the destination. `partial`: also where not every row or value is known; `allow_stale`: also
    where not all may have arrived yet. What the past cannot answer raises.
    """
    settings = _settings(when, partial, allow_stale)
    with Session(engine.execution_options(**_execution_options()), **session_options) as session:
        _travel(session, settings)
        yield session


@asynccontextmanager
async def as_of_async(
    when: datetime | str,
    engine: AsyncEngine,
    *,
    partial: bool = False,
    allow_stale: bool = False,
    **session_options: Any,
) -> AsyncIterator[AsyncSession]:
    """The same for an `AsyncEngine`."""
    from sqlalchemy.ext.asyncio import AsyncSession

    settings = _settings(when, partial, allow_stale)
    there = engine.execution_options(**_execution_options())
    async with AsyncSession(there, **session_options) as session:
        _travel(session.sync_session, settings)
        yield session


def _settings(when: datetime | str, partial: bool, allow_stale: bool) -> dict[str, str]:
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise ValueError("a datetime without a time zone is no moment; give it one")
        when = when.isoformat()
    return {
        "moment": when,
        "partial": "on" if partial else "off",
        "allow_stale": "on" if allow_stale else "off",
    }


def _fitting_name(name: str) -> str:
    """As `_bemi.fitting_name` has it: PostgreSQL would cut it, and two names could be one."""
    encoded = name.encode()
    if len(encoded) <= _NAME_BYTES_MAX:
        return name
    digest = hashlib.md5(encoded, usedforsecurity=False).hexdigest()[:8]
    return encoded[: _NAME_BYTES_MAX - 9].decode(errors="ignore") + "_" + digest


class _Schemas(dict[Any, Any]):
    """Every schema has its own one for the past: none is ever read as it is now."""

    def __contains__(self, schema: object) -> bool:
        return True

    def __missing__(self, schema: str) -> str:
        return _fitting_name(f"time_travel_{schema}")

    def get(self, schema: Any, default: Any = None) -> Any:
        return self[schema]


def _execution_options() -> dict[str, Any]:
    return {
        "schema_translate_map": _Schemas({None: "time_travel", "public": "time_travel"}),
        "isolation_level": "REPEATABLE READ",
        "postgresql_readonly": True,
    }


def _travel(session: Session, settings: dict[str, str]) -> None:
    def begin(_session: Session, _transaction: Any, connection: Connection) -> None:
        connection.execute(_SETTINGS, settings)

    def execute(state: ORMExecuteState) -> None:
        if state.is_insert or state.is_update or state.is_delete:
            raise PastIsReadOnly("a session of the past writes nothing")

    def flush(session: Session, *_: Any) -> None:
        if session.new or session.deleted or any(session.is_modified(one) for one in session.dirty):
            raise PastIsReadOnly("a session of the past writes nothing")

    event.listen(session, "after_begin", begin)
    event.listen(session, "do_orm_execute", execute)
    event.listen(session, "before_flush", flush)
