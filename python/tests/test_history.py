"""Asking the history through SQLAlchemy: which changes, in which order, and what differs."""

from __future__ import annotations

import asyncio
import datetime
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Tracked
from sqlalchemy import Engine, ForeignKey, Text, create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import bemi
from bemi import Change, changes_of


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "app_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    todos: Mapped[list[Todo]] = relationship(back_populates="user")
    tags: Mapped[list[Tag]] = relationship(secondary="user_tag")


class Todo(Base):
    __tablename__ = "todo"
    id: Mapped[int] = mapped_column(primary_key=True)
    task: Mapped[str] = mapped_column(Text)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("app_user.id"))
    user: Mapped[User | None] = relationship(back_populates="todos")


class Tag(Base):
    __tablename__ = "tag"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)


class UserTag(Base):
    __tablename__ = "user_tag"
    user_id: Mapped[int] = mapped_column(ForeignKey("app_user.id"), primary_key=True)
    tag_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tag.id"), primary_key=True)


class Event(Base):
    __tablename__ = "event"
    at: Mapped[datetime.date] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Text)


@pytest.fixture
def engine(newest: Tracked) -> Iterator[Engine]:
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    Base.metadata.create_all(engine)
    newest.sql("truncate app_user, todo, tag, user_tag, event")
    yield engine
    engine.dispose()


def kinds(session: Session, selection: Any) -> list[str]:
    return [f"{change.operation} {change.table}" for change in session.scalars(selection)]


def seed(engine: Engine) -> None:
    with Session(engine) as session, bemi.context(user_id=1):
        session.add_all([User(id=1, name="Ada"), User(id=2, name="Bob"), Tag(id=uuid.UUID(int=7))])
        session.flush()
        session.add_all([Todo(id=10, task="Walk", user_id=1), Todo(id=20, task="Sleep", user_id=2)])
        session.commit()
    with Session(engine) as session, bemi.context(user_id=2, tags=["a", "b"]):
        session.get_one(Todo, 10).task = "Run"
        session.commit()
        session.get_one(Todo, 10).user_id = 2
        ada = session.get_one(User, 1)
        ada.tags.append(session.get_one(Tag, uuid.UUID(int=7)))
        session.commit()
        session.delete(session.get_one(Todo, 20))
        session.commit()


def test_the_history_of_an_object(newest: Tracked, engine: Engine) -> None:
    seed(engine)
    newest.changes()
    with Session(engine) as session:
        todo = session.get_one(Todo, 10)
        everything = changes_of(todo).between(start=_since(newest))
        assert kinds(session, everything) == ["CREATE todo", "UPDATE todo", "UPDATE todo"]
        assert kinds(session, everything.desc().limit(1).updated()) == ["UPDATE todo"]
        for selection, count in [
            (everything.created(), 1),
            (everything.updated(), 2),
            (everything.deleted(), 0),
            (everything.before(task="Walk"), 1),
            (everything.before_not(task="Walk"), 2),
            (everything.after(task="Run"), 2),
            (everything.after_not(task="Run"), 1),
            (everything.context(user_id=2), 2),
            (everything.context(tags=["b"]), 2),
            (everything.context_not(user_id=2), 1),
            (everything.updated().before(user_id=1).after(user_id=2), 1),
        ]:
            assert len(session.scalars(selection).all()) == count, str(selection)
        newest_first = [change.id for change in session.scalars(everything.desc())]
        assert newest_first == [change.id for change in session.scalars(everything.asc())][::-1]


def test_the_difference(newest: Tracked, engine: Engine) -> None:
    seed(engine)
    newest.changes()
    with Session(engine) as session:
        todo = session.get_one(Todo, 10)
        created, renamed, moved = session.scalars(changes_of(todo).between(start=_since(newest)))
        assert renamed.diff() == {"task": ("Walk", "Run")}
        assert moved.diff() == {"user_id": (1, 2)}
        assert created.diff() == {"id": (None, 10), "task": (None, "Walk"), "user_id": (None, 1)}


def test_the_history_of_a_class_and_of_related_objects(newest: Tracked, engine: Engine) -> None:
    seed(engine)
    newest.changes()
    since = _since(newest)
    with Session(engine) as session:
        ada, todo = session.get_one(User, 1), session.get_one(Todo, 10)

        def related(*names: str) -> list[str]:
            return kinds(session, changes_of(ada, with_related=names).between(start=since))

        assert related() == ["CREATE app_user"]
        # Also of those that have left since.
        assert related("todos") == ["CREATE app_user", "CREATE todo", "UPDATE todo", "UPDATE todo"]
        assert related("tags") == ["CREATE app_user", "CREATE user_tag"]
        of_todo = changes_of(todo, with_related=["user"]).between(start=since)
        assert kinds(session, of_todo.created()) == ["CREATE app_user", "CREATE todo"]
        assert len(kinds(session, changes_of(Todo).between(start=since))) == 5
        assert len(kinds(session, changes_of(User, with_related=["todos"]).between(start=since))) == 7


def test_keys_of_all_kinds(newest: Tracked, engine: Engine) -> None:
    seed(engine)
    with Session(engine) as session:
        session.add(Event(at=datetime.date(2026, 11, 24), name="x"))
        session.commit()
        newest.changes()
        for found in (
            session.get_one(Tag, uuid.UUID(int=7)),
            session.get_one(UserTag, (1, uuid.UUID(int=7))),
            session.get_one(Event, datetime.date(2026, 11, 24)),
        ):
            assert len(session.scalars(changes_of(found).between(start=_since(newest))).all()) == 1


def test_it_is_a_select(newest: Tracked, engine: Engine) -> None:
    seed(engine)
    newest.changes()
    with Session(engine) as session:
        keys = select(changes_of(Todo).deleted().subquery().c.primary_key).distinct()
        assert "20" in session.scalars(keys).all()

    async def ask() -> list[Change]:
        async_engine = create_async_engine(engine.url.set(drivername="postgresql+asyncpg"))
        async with AsyncSession(async_engine) as session:
            found = await session.scalars(changes_of(Todo).updated().desc().limit(1))
            await async_engine.dispose()
            return list(found.all())

    [change] = asyncio.run(ask())
    assert change.after["user_id"] == 2 and change.context["user_id"] == 2


def test_wrong_use_is_told() -> None:
    with pytest.raises(TypeError, match="neither a mapped object nor a mapped class"):
        changes_of("todo")
    with pytest.raises(ValueError, match="flush it first"):
        changes_of(Todo())
    with pytest.raises(ValueError, match="no relationship 'nothing'"):
        changes_of(Todo, with_related=["nothing"])


def _since(tracked: Tracked) -> datetime.datetime:
    [(moment,)] = tracked.sql(
        "select max(effective_at) from changes where operation = 'TRUNCATE' and \"table\" = 'event'"
    )
    assert isinstance(moment, datetime.datetime)
    return moment + datetime.timedelta(microseconds=1)
