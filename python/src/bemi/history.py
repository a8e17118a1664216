# SPDX-License-Identifier: LGPL-3.0-or-later
"""Asks the history: the table ``changes`` as a model, and the changes of an object or of a class.

>>> with Session(destination) as session:
...     for change in session.scalars(bemi.changes_of(todo).updated().desc()):
...         print(change.committed_at, change.context.get("user_id"), change.diff())
"""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, Text, and_, false, not_, or_
from sqlalchemy import cast as sql_cast
from sqlalchemy import inspect as inspect_mapped
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID
from sqlalchemy.orm import (
    DeclarativeBase,
    InstanceState,
    Mapped,
    Mapper,
    RelationshipProperty,
    mapped_column,
)
from sqlalchemy.schema import Table
from sqlalchemy.sql.elements import literal

from ._message import _storable

_CREATED = ("CREATE", "SNAPSHOT")
_When = TIMESTAMP(timezone=True)


class _Base(DeclarativeBase):
    pass


class Change(_Base):
    """One change of one row, as the worker stored it. Never written to by an application.

    For a history in another schema than the search path's first: ``execution_options(
    schema_translate_map={None: "audit"})``.
    """

    __tablename__ = "changes"

    id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True)
    source: Mapped[str] = mapped_column(Text)
    database: Mapped[str] = mapped_column(Text)
    schema: Mapped[str] = mapped_column(Text)
    table: Mapped[str] = mapped_column(Text)
    primary_key: Mapped[str | None] = mapped_column(Text)
    operation: Mapped[str] = mapped_column(Text)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    after: Mapped[dict[str, Any]] = mapped_column(JSONB)
    context: Mapped[dict[str, Any]] = mapped_column(JSONB)
    committed_at: Mapped[datetime] = mapped_column(_When)
    effective_at: Mapped[datetime] = mapped_column(_When)
    queued_at: Mapped[datetime] = mapped_column(_When)
    created_at: Mapped[datetime] = mapped_column(_When)
    transaction_id: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int] = mapped_column(BigInteger)
    epoch: Mapped[int] = mapped_column(Integer)
    commit_position: Mapped[int] = mapped_column(BigInteger)
    sequence: Mapped[int] = mapped_column(BigInteger)
    exact: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    fidelity: Mapped[dict[str, Any] | None] = mapped_column(JSONB)

    def diff(self) -> dict[str, tuple[Any, Any]]:
        """What differs, as (before, after); None where a side has no such column.

        >>> change.diff()
        {'task': ('Walk', 'Run')}
        """
        columns = [*self.before, *(c for c in self.after if c not in self.before)]
        pairs = {c: (self.before.get(c), self.after.get(c)) for c in columns}
        absent = object()
        return {c: p for c, p in pairs.items() if self.before.get(c, absent) != self.after.get(c, absent)}

    def __repr__(self) -> str:
        return f"<Change {self.operation} {self.table} {self.primary_key} at {self.committed_at}>"


class Changes(Select[Change]):
    """A selection of changes, in commit order. Each method returns a narrower one.

    It is a SELECT of SQLAlchemy: ``where``, ``limit`` and all else work too, in sync and async sessions.
    """

    inherit_cache = True

    def before(self, **values: Any) -> Changes:
        """Whose row had these values before."""
        return self._narrowed(Change.before.contains(_json(values)))

    def before_not(self, **values: Any) -> Changes:
        """Whose row did not have all of these values before."""
        return self._narrowed(not_(Change.before.contains(_json(values))))

    def after(self, **values: Any) -> Changes:
        """Whose row had these values afterwards."""
        return self._narrowed(Change.after.contains(_json(values)))

    def after_not(self, **values: Any) -> Changes:
        """Whose row did not have all of these values afterwards."""
        return self._narrowed(not_(Change.after.contains(_json(values))))

    def context(self, **values: Any) -> Changes:
        """Made with this in their context."""
        return self._narrowed(Change.context.contains(_json(values)))

    def context_not(self, **values: Any) -> Changes:
        """Not made with all of this in their context."""
        return self._narrowed(not_(Change.context.contains(_json(values))))

    def created(self) -> Changes:
        """Rows that came: inserted, or there already when tracking began."""
        return self._narrowed(Change.operation.in_(_CREATED))

    def updated(self) -> Changes:
        return self._narrowed(Change.operation == "UPDATE")

    def deleted(self) -> Changes:
        """Rows that went."""
        return self._narrowed(Change.operation == "DELETE")

    def between(self, start: datetime | None = None, end: datetime | None = None) -> Changes:
        """Committed at or after `start` and before `end`; None leaves that side open."""
        narrowed = self
        if start is not None:
            narrowed = narrowed._narrowed(Change.effective_at >= start)
        if end is not None:
            narrowed = narrowed._narrowed(Change.effective_at < end)
        return narrowed

    def asc(self) -> Changes:
        """The oldest first, which is so from the start."""
        order = (Change.epoch, Change.commit_position, Change.sequence)
        return self.order_by(None).order_by(Change.effective_at, *order)

    def desc(self) -> Changes:
        """The newest first."""
        order = (Change.effective_at, Change.epoch, Change.commit_position, Change.sequence)
        return self.order_by(None).order_by(*(column.desc() for column in order))

    def _narrowed(self, condition: ColumnElement[bool]) -> Changes:
        return self.where(condition)


def changes_of(of: Any, *, with_related: Iterable[str] = ()) -> Changes:
    """The changes of a mapped object, or of all rows of a mapped class.

    :param with_related: names of relationships; the changes of the rows at their other end count too,
        also of those that have left since.
    :raises TypeError: neither a mapped object nor a mapped class.
    :raises ValueError: the object has no key yet, or a name is no relationship.

    >>> session.scalars(changes_of(todo).context(user_id=42).updated().desc())
    >>> session.scalars(changes_of(user, with_related=["todos"]))
    """
    inspected = inspect_mapped(of, raiseerr=False)
    if isinstance(inspected, InstanceState):
        wanted = _of_object(inspected)
        wanted += [_of_related(inspected, name) for name in with_related]
    elif isinstance(inspected, Mapper):
        wanted = [_of_table(table) for table in _tables(inspected)]
        wanted += [_of_table(_relationship(inspected, n).mapper.local_table) for n in with_related]
    else:
        raise TypeError(f"{of!r} is neither a mapped object nor a mapped class")
    return Changes(Change).where(or_(*wanted)).asc()


def _json(values: Mapping[str, Any]) -> Any:
    return _storable(dict(values), depth=0)


def _tables(mapper: Mapper[Any]) -> list[Table]:
    return [table for table in mapper.tables if isinstance(table, Table)]


def _of_table(table: Any) -> ColumnElement[bool]:
    if not isinstance(table, Table):
        raise TypeError(f"{table!r} is not a table")
    # A table without a schema is found by the search path, which the history does not know.
    same_schema = Change.schema == (table.schema or "public")
    return and_(Change.table == table.name, same_schema)


def _of_object(state: InstanceState[Any]) -> list[ColumnElement[bool]]:
    if state.identity is None and not state.has_identity:
        raise ValueError("the object has no key yet: flush it first")
    return [and_(_of_table(table), _has_key(table, state)) for table in _tables(state.mapper)]


def _has_key(table: Table, state: InstanceState[Any]) -> ColumnElement[bool]:
    columns = list(table.primary_key)
    if not columns:
        return false()
    values = [_value(state, column) for column in columns]
    if len(columns) == 1:
        return Change.primary_key == _as_text(values[0], columns[0])
    if all(_is_plain(value) for value in values):
        # The worker writes a key of several columns as a JSON array of texts.
        text = json.dumps([str(value) for value in values], ensure_ascii=False, separators=(", ", ": "))
        return Change.primary_key == text
    parts = [sql_cast(Change.primary_key, JSONB)[i].astext for i in range(len(columns))]
    return and_(*(part == _as_text(v, c) for part, v, c in zip(parts, values, columns, strict=True)))


def _value(state: InstanceState[Any], column: Any) -> Any:
    return state.mapper.get_property_by_column(column).class_attribute.__get__(state.obj(), None)


def _is_plain(value: Any) -> bool:
    return isinstance(value, (int, str, uuid.UUID)) and not isinstance(value, (bool, enum.Enum))


def _as_text(value: Any, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value of the object's, as the server writes it."""
    if _is_plain(value):
        return literal(str(value), Text)
    return sql_cast(sql_cast(literal(value, column.type), column.type), Text)


def _relationship(mapper: Mapper[Any], name: str) -> RelationshipProperty[Any]:
    try:
        return mapper.relationships[name]
    except KeyError:
        raise ValueError(f"{mapper.class_.__name__} has no relationship {name!r}") from None


def _of_related(state: InstanceState[Any], name: str) -> ColumnElement[bool]:
    relationship = _relationship(state.mapper, name)
    # Pairs of columns in which the other end, or the table between, refers to the object.
    pairs = [(near, far) for near, far in relationship.synchronize_pairs]
    table = relationship.secondary if relationship.secondary is not None else relationship.mapper.local_table
    if relationship.direction.name == "MANYTOONE":
        pairs = [(local, remote) for local, remote in relationship.local_remote_pairs or ()]
    sides = []
    for row in (Change.before, Change.after):
        same = [row[far.name].astext == _as_text(_value(state, near), near) for near, far in pairs]
        sides.append(and_(*same))
    return and_(_of_table(table), or_(*sides))


__all__ = ["Change", "Changes", "changes_of"]
