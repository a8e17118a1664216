"""Which context each change gets: every driver, sync and async, against the real worker."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from conftest import Door, Tracked
from sqlalchemy import Connection, Integer, Text, create_engine, delete, event, insert, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import bemi

INSERT = text("INSERT INTO item VALUES (:id, 'a')")


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(Text)


def first_words(tracked: Tracked) -> list[tuple[str, str, str]]:
    """Operation, key and the first two words of the SQL."""
    return [(o, k, " ".join(c.get("SQL", "").split()[:2])) for o, k, c in tracked.changes()]


def test_each_change_has_its_own_sql_and_its_context(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
            connection.execute(text("SELECT count(*) FROM item"))
            connection.execute(text("UPDATE item SET name = 'b'"))
            connection.execute(text("DELETE FROM item"))

    bemi.set_context({"user_id": 42})
    door.run(write)
    assert first_words(tracked) == [
        ("CREATE", "1", "INSERT INTO"),
        ("UPDATE", "1", "UPDATE item"),
        ("DELETE", "1", "DELETE FROM"),
    ]
    assert {c["user_id"] for _, _, c in tracked.changes()} == {42}


def test_functions_that_write(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
            assert connection.scalar(text("SELECT add_item(2)")) == 2
            connection.execute(text("UPDATE item SET name = 'b' WHERE id = 1"))
        with connection.begin():
            connection.execute(text("SELECT add_item(3)"))

    bemi.set_context({"user_id": 1})
    door.run(write)
    assert [c["user_id"] for _, _, c in tracked.changes()[:3]] == [1, 1, 1]
    if door.driver != "psycopg2-prefix":
        assert [sql for _, _, sql in first_words(tracked)] == [
            "INSERT INTO",
            "SELECT add_item(?)",
            "UPDATE item",
            "SELECT add_item(?)",
        ]


def test_savepoints_take_their_messages_along(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
            with pytest.raises(ZeroDivisionError), connection.begin_nested():
                connection.execute(text("INSERT INTO item VALUES (2, 'gone')"))
                raise ZeroDivisionError
            with connection.begin_nested():
                connection.execute(text("UPDATE item SET name = 'inner'"))
            with pytest.raises(IntegrityError), connection.begin_nested():
                connection.execute(text("INSERT INTO item VALUES (4, 'gone')"))
                connection.execute(INSERT, {"id": 1})
            connection.execute(INSERT, {"id": 3})

    bemi.set_context({"user_id": 1})
    door.run(write)
    assert first_words(tracked) == [
        ("CREATE", "1", "INSERT INTO"),
        ("UPDATE", "1", "UPDATE item"),
        ("CREATE", "3", "INSERT INTO"),
    ]
    assert all(c["user_id"] == 1 for _, _, c in tracked.changes())


def test_everything_in_a_savepoint_that_is_rolled_back(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            nested = connection.begin_nested()
            connection.execute(INSERT, {"id": 1})
            nested.rollback()
            connection.execute(INSERT, {"id": 2})
            connection.execute(INSERT, {"id": 3})

    bemi.set_context({"user_id": 1})
    door.run(write)
    assert [(key, c["user_id"]) for _, key, c in tracked.changes()] == [("2", 1), ("3", 1)]


def test_many_rows(door: Door, tracked: Tracked) -> None:
    """executemany, insertmanyvalues, bulk ORM writes, upserts: one message speaks of a batch."""

    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, [{"id": i} for i in range(50)])
        with Session(connection) as session, session.begin():
            session.add_all(Item(id=i, name="orm") for i in range(100, 150))
            session.flush()
            session.execute(update(Item).where(Item.id == 100).values(name="bulk"))
            session.execute(update(Item), [{"id": i, "name": "by key"} for i in range(101, 104)])
            session.execute(insert(Item).returning(Item.id), [{"id": i, "name": "m"} for i in (200, 201)])
            statement = upsert(Item).values(id=200, name="u")
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"name": "u"}))
            session.execute(delete(Item).where(Item.id == 0))

    bemi.set_context({"user_id": 1})
    door.run(write)
    seen = tracked.changes()
    assert len(seen) == 50 + 50 + 1 + 3 + 2 + 1 + 1
    assert all(c["user_id"] == 1 for _, _, c in seen)
    words = [c["SQL"].split()[0] for _, _, c in seen]
    assert words == ["INSERT"] * 100 + ["UPDATE"] * 4 + ["INSERT"] * 3 + ["DELETE"]
    assert max(len(c["SQL"]) for _, _, c in seen) < 300  # not the text of all the batch's rows


def test_statements_of_all_kinds(door: Door, tracked: Tracked) -> None:
    statements = {
        "WITH": "WITH new AS (INSERT INTO item VALUES (1, 'a') RETURNING *) SELECT * FROM new",
        "/*": "/* why: */ UPDATE item SET name = 'x;y' WHERE id = 1",
        "DO": "DO $$ BEGIN UPDATE item SET name = 'do'; END $$",
        "TRUNCATE": "TRUNCATE item",
    }
    if tracked.database.server.major >= 15:
        statements["MERGE"] = (
            "MERGE INTO item USING (VALUES (5)) v (id) ON item.id = v.id"
            " WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'm')"
        )

    def write(connection: Connection) -> None:
        with connection.begin():
            for statement in statements.values():
                connection.exec_driver_sql(statement)

    bemi.set_context({"user_id": 1})
    door.run(write)
    seen = [(c.get("user_id"), c.get("SQL", "").split()[0]) for _, _, c in tracked.changes()]
    assert seen == [(1, word) for word in statements]


def test_autocommit(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(INSERT, {"id": 1})
        result = connection.execute(text("UPDATE item SET name = 'b' RETURNING id, name"))
        assert result.all() == [(1, "b")]
        assert connection.execute(text("DELETE FROM item")).rowcount == 1
        with pytest.raises(IntegrityError):
            connection.execute(text("INSERT INTO item VALUES (2, 'a'), (2, 'b')"))
        connection.execute(text("VACUUM item"))
        connection.execute(INSERT, {"id": 3})

    bemi.set_context({"user_id": 1})
    door.run(write)
    assert first_words(tracked) == [
        ("CREATE", "1", "INSERT INTO"),
        ("UPDATE", "1", "UPDATE item"),
        ("DELETE", "1", "DELETE FROM"),
        ("CREATE", "3", "INSERT INTO"),
    ]
    assert all(c["user_id"] == 1 for _, _, c in tracked.changes())


def test_reading_assigns_no_transaction_id(door: Door, tracked: Tracked) -> None:
    def read(connection: Connection) -> None:
        with connection.begin():
            connection.execute(text("SELECT * FROM item"))
            connection.execute(text("SELECT pg_column_size(name) FROM item"))  # might write
            connection.execute(text("UPDATE item SET name = 'x' WHERE false"))
            connection.execute(text("SELECT pg_column_size(name) FROM item"))
            if door.driver != "psycopg2-prefix":
                assert connection.scalar(text("SELECT pg_current_xact_id_if_assigned()")) is None

    bemi.set_context({"user_id": 1})
    with tracked.alone():
        before = tracked.sql("select pg_snapshot_xmax(pg_current_snapshot())")
        door.run(read)
        if door.driver != "psycopg2-prefix":
            assert tracked.sql("select pg_snapshot_xmax(pg_current_snapshot())") == before


def test_rollback_leaves_nothing_behind(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        transaction = connection.begin()
        connection.execute(text("INSERT INTO item VALUES (1, 'rolled back')"))
        transaction.rollback()
        with connection.begin():
            connection.execute(INSERT, {"id": 2})

    door.run(write)
    assert [(k, c["SQL"].split("(")[0]) for _, k, c in tracked.changes()] == [
        ("2", "INSERT INTO item VALUES ")
    ]


def test_nearer_contexts_win(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with (
            Session(connection, info={"bemi": {"at": "session", "session": 1}}) as session,
            session.begin(),
        ):
            session.add(Item(id=1, name="a"))
            session.flush()
            options: Any = {"bemi_context": {"at": "statement"}}
            session.execute(INSERT, {"id": 2}, execution_options=options)
            with bemi.context(block=1):
                session.add(Item(id=3, name="b"))
                session.flush()
        with connection.begin():
            connection.execute(INSERT, {"id": 4})

    bemi.set_context({"at": "request", "request": 1})
    door.run(write)
    seen = {k: {n: v for n, v in c.items() if n != "SQL"} for _, k, c in tracked.changes()}
    assert seen == {
        "1": {"at": "session", "session": 1, "request": 1},
        "2": {"at": "statement", "session": 1, "request": 1},
        "3": {"at": "session", "session": 1, "request": 1, "block": 1},
        "4": {"at": "request", "request": 1},
    }


def test_the_context_is_that_of_the_moment_of_the_write(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            for number in (1, 2):
                with bemi.context(step=[number]) as _:
                    connection.execute(INSERT, {"id": number})
        with connection.begin():
            bemi.set_context(steps := {"step": [1]})
            connection.execute(INSERT, {"id": 3})
            steps["step"].append(2)

    door.run(write)
    assert [c["step"] for _, _, c in tracked.changes()] == [[1], [2], [1]]


def test_errors_at_commit_are_the_applications_own(door: Door, tracked: Tracked) -> None:
    tracked.sql("create table if not exists parent (id int primary key)")
    tracked.sql(
        "create table if not exists child (id int primary key,"
        " parent int references parent deferrable initially deferred)"
    )

    def write(connection: Connection) -> None:
        with pytest.raises(IntegrityError) as caught, connection.begin():
            connection.execute(text("INSERT INTO child VALUES (1, 7)"))
        assert "child_parent_fkey" in str(caught.value)
        with connection.begin():
            connection.execute(INSERT, {"id": 1})

    bemi.set_context({"user_id": 1})
    door.run(write)
    assert [(k, c["user_id"]) for _, k, c in tracked.changes()] == [("1", 1)]


def test_errors_of_statements_are_the_applications_own(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with pytest.raises(IntegrityError) as caught, connection.begin():
            connection.execute(INSERT, {"id": 1})
            connection.execute(text("INSERT INTO item VALUES (1, :name)"), {"name": "twice"})
        assert caught.value.statement is not None
        assert caught.value.statement.startswith("INSERT INTO item VALUES (1, ")
        assert "emit_message" not in str(caught.value)

    bemi.set_context({"user_id": 1})
    door.run(write)
    assert tracked.changes() == []


def test_without_sql(door: Door, tracked: Tracked) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            connection.execute(INSERT, {"id": 1})
            connection.execute(text("UPDATE item SET name = 'b'"))

    bemi.set_context({"user_id": 1})
    door.run(write, options={"sql": False})
    assert [c for _, _, c in tracked.changes()] == [{"user_id": 1}, {"user_id": 1}]


def test_an_engine_left_alone(newest: Tracked) -> None:
    engine = create_engine(newest.url.replace("postgresql:", "postgresql+psycopg:"))
    bemi.set_context({"user_id": 1})
    for step in (bemi.uninstall, bemi.uninstall, bemi.install, bemi.install):
        step(engine)
        with engine.begin() as connection:
            connection.execute(INSERT, {"id": len(newest.sql("select * from item"))})
    engine.dispose()
    assert [c.get("user_id") for _, _, c in newest.changes()] == [None, None, 1, 1]


def test_other_databases_are_left_alone(newest: Tracked) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    with pytest.raises(TypeError, match="psycopg2"):
        bemi.install(engine)


def test_two_phase(newest: Tracked) -> None:
    newest_server = newest.database.server
    if newest.sql("show max_prepared_transactions") == [("0",)]:
        newest_server.sql("alter system set max_prepared_transactions = 5")
        newest_server.restart()
    bemi.set_context({"user_id": 1})
    for number, driver in enumerate(("psycopg", "psycopg2")):
        engine = create_engine(newest.url.replace("postgresql:", f"postgresql+{driver}:"))
        with engine.connect() as connection:
            transaction = connection.begin_twophase()
            connection.execute(INSERT, {"id": number})
            transaction.prepare()
            transaction.commit()
        engine.dispose()
    assert [(k, c["user_id"]) for _, k, c in newest.changes()] == [("0", 1), ("1", 1)]


def _copy(connection: Connection, driver: str) -> None:
    raw: Any = connection.connection.dbapi_connection
    if driver == "psycopg2":
        lines = "".join(f"{i}\tcopied\n" for i in range(1000))
        raw.cursor().copy_expert("COPY item FROM STDIN", io.StringIO(lines))
    elif driver == "psycopg":
        with raw.cursor().copy("COPY item FROM STDIN") as copy:
            for i in range(1000):
                copy.write_row((i, "copied"))
    else:
        raw.run_async(_copy_psycopg if driver == "psycopg_async" else _copy_asyncpg)


async def _copy_psycopg(raw: Any) -> None:
    async with raw.cursor().copy("COPY item FROM STDIN") as copy:
        for i in range(1000):
            await copy.write_row((i, "copied"))


async def _copy_asyncpg(raw: Any) -> None:
    await raw.copy_records_to_table("item", records=[(i, "copied") for i in range(1000)])


def _copied(tracked: Tracked) -> list[Any]:
    return [c for _, key, c in tracked.changes() if int(key) < 1000]


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_copy_gets_the_context(newest: Tracked, driver: str) -> None:
    def write(connection: Connection) -> None:
        with connection.begin():
            _copy(connection, driver)

    bemi.set_context({"user_id": 1})
    Door(driver, newest.url).run(write)
    assert _copied(newest) == [{"user_id": 1}] * 1000


@pytest.mark.parametrize("driver", ["psycopg", "psycopg_async", "asyncpg"])
@pytest.mark.parametrize("place", ["after a read", "before a write", "after a write", "rolled back"])
def test_copy_beside_statements_gets_the_context_and_no_sql(newest: Tracked, driver: str, place: str) -> None:
    def write(connection: Connection) -> None:
        transaction = connection.begin()
        connection.execute(text("SELECT 1"))  # by which asyncpg's transaction begins
        if place == "after a write":
            connection.execute(INSERT, {"id": 1001})
        _copy(connection, driver)
        if place == "before a write":
            connection.execute(INSERT, {"id": 1002})
            connection.execute(text("UPDATE item SET name = 'b' WHERE id = 1002"))
        if place == "rolled back":
            transaction.rollback()
        else:
            transaction.commit()
        with connection.begin():
            connection.execute(INSERT, {"id": 2000})

    bemi.set_context({"user_id": 1})
    Door(driver, newest.url).run(write)
    assert _copied(newest) == ([] if place == "rolled back" else [{"user_id": 1}] * 1000)
    others = {(key, c["user_id"], c.get("SQL", "")[:6]) for _, key, c in newest.changes() if int(key) > 1000}
    expected = {("2000", 1, "INSERT")}
    if place == "after a write":
        expected |= {("1001", 1, "")}
    if place == "before a write":
        expected |= {("1002", 1, ""), ("1002", 1, "UPDATE")}
    assert others == expected


def test_statements_that_cannot_pass_context_in_autocommit_are_counted(door: Door, newest: Tracked) -> None:
    def write(connection: Connection) -> None:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.exec_driver_sql("DO $$ BEGIN INSERT INTO item VALUES (1, 'a'); END $$")
        connection.exec_driver_sql("VACUUM item")

    bemi.failures.clear()
    bemi.set_context({"user_id": 1})
    Door(door.driver, newest.url).run(write)
    assert len(newest.changes()) == 1
    assert bemi.failures == {"AUTOCOMMIT: no context goes along": 1}


def test_a_stream_in_autocommit_that_may_write_is_counted(newest: Tracked) -> None:
    def read(connection: Connection) -> None:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        options = {"stream_results": True}
        with pytest.raises(DBAPIError):  # outside of a transaction there is none
            connection.execute(text("SELECT add_item(1)"), execution_options=options)
        assert not bemi.failures
        connection.exec_driver_sql("BEGIN")
        connection.execute(text("SELECT id FROM item"), execution_options=options).all()
        assert not bemi.failures
        connection.execute(text("SELECT add_item(2)"), execution_options=options).all()
        connection.exec_driver_sql("COMMIT")

    bemi.failures.clear()
    bemi.set_context({"user_id": 1})
    Door("psycopg", newest.url).run(read)
    assert [(key, c) for _, key, c in newest.changes()] == [("2", {})]
    assert bemi.failures == {"AUTOCOMMIT: no context goes along": 1}


def test_several_engines_in_one_request(newest: Tracked) -> None:
    engines = [
        create_engine(newest.url.replace("postgresql:", f"postgresql+{d}:")) for d in ("psycopg", "psycopg2")
    ]
    with bemi.context(user_id=1):
        for number, engine in enumerate(engines):
            with engine.begin() as connection:
                connection.execute(INSERT, {"id": number})
    for engine in engines:
        engine.dispose()
    assert [(k, c["user_id"]) for _, k, c in newest.changes()] == [("0", 1), ("1", 1)]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_async_sessions(newest: Tracked, driver: str) -> None:
    async def write() -> None:
        engine = create_async_engine(newest.url.replace("postgresql:", f"postgresql+{driver}:"))
        async with AsyncSession(engine, info={"bemi": {"tenant": "acme"}}) as session:
            async with bemi.context(user_id=5):
                session.add(Item(id=1, name="a"))
                await session.commit()
                item = await session.get_one(Item, 1)
                item.name = "b"
                await session.commit()
        await engine.dispose()

    asyncio.run(write())
    assert [(o, c["user_id"], c["tenant"]) for o, _, c in newest.changes()] == [
        ("CREATE", 5, "acme"),
        ("UPDATE", 5, "acme"),
    ]


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_a_cancelled_task_leaves_no_open_transaction(newest: Tracked, driver: str) -> None:
    """Cancelled at every step of a transaction: what returns to the pool is clean."""

    async def write(engine: Any, number: int) -> None:
        async with engine.begin() as connection:
            await connection.execute(INSERT, {"id": number})
            await connection.execute(text("UPDATE item SET name = 'b' WHERE id = :id"), {"id": number})
            await connection.execute(text("DELETE FROM item WHERE id = :id"), {"id": number})

    async def run() -> list[str]:
        engine = create_async_engine(
            newest.url.replace("postgresql:", f"postgresql+{driver}:"), pool_size=1, max_overflow=0
        )
        dirty: list[str] = []

        @event.listens_for(engine.sync_engine.pool, "checkout")
        def look(connection: Any, *_: Any) -> None:
            raw = connection.driver_connection
            open_ = raw.is_in_transaction() if driver == "asyncpg" else int(raw.info.transaction_status)
            if open_:
                dirty.append(str(open_))

        for steps in range(60):
            task = asyncio.create_task(write(engine, steps))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await write(engine, 1000)
        await engine.dispose()
        return dirty

    bemi.set_context({"user_id": 1})
    assert asyncio.run(run()) == []
    assert all(c["user_id"] == 1 for _, _, c in newest.changes())
    assert newest.sql("select * from item") == []


def test_a_role_that_may_not_emit_still_writes(newest: Tracked) -> None:
    newest.sql("create role quiet login; grant all on item to quiet")
    functions = newest.sql(
        "select oid::regprocedure::text from pg_proc where proname = 'pg_logical_emit_message'"
    )
    newest.sql("".join(f"revoke execute on function {name} from public;" for (name,) in functions))
    bemi.failures.clear()
    engine = create_engine(newest.url.replace("postgresql://postgres@", "postgresql+psycopg://quiet@"))
    try:
        bemi.set_context({"user_id": 1})
        with engine.begin() as connection:
            connection.execute(INSERT, {"id": 1})
            connection.execute(INSERT, {"id": 2})
    finally:
        engine.dispose()
        newest.sql("".join(f"grant execute on function {name} to public;" for (name,) in functions))
        newest.sql("drop owned by quiet; drop role quiet")
    assert [c for _, _, c in newest.changes()] == [{}, {}]
    assert bemi.failures.total() == 1
