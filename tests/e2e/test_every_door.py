"""The same past behind every door: SQL functions, views, the command line, Python and copies, each against
what the source had at random moments of random work with changes of shape."""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from contextlib import closing

import psycopg
import pytest
from bemi import as_of
from sqlalchemy import MetaData, Text, cast, create_engine, select
from sqlalchemy import Table as SqlTable

from e2e.oracle import sync
from e2e.random_past import SCHEMA, Moment, Table, Work, catalog, quoted, read_rows
from support.bemi import bemi
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])
Rows = Counter[tuple[str | None, ...]]

# What a question about a table may be refused with while its rows had not been read anew.
NOT_KNOWN = (
    "not all rows",
    "it begins later",
    "there is no history",
    "nothing is known",
    "was a partition of another",
)


@oldest_and_newest
def test_the_same_past_behind_every_door(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    database.sql(SCHEMA)
    start_worker("--heartbeat-interval", "1").wait_ready()
    with closing(Work(database.url, seed)) as work:
        work.remember()
        for _ in range(20):
            for _ in range(work.random.randint(1, 4)):
                work.transact()
            work.begin_slowly()
            work.remember()
            if work.random.random() < 0.5:
                work.end_slowly()
            for _ in range(work.random.randint(0, 2)):
                if work.alter():
                    work.uncertain = True
                    work.remember()
                    wait_until_all_is_known(database, work)
                    work.uncertain = False
            work.remember()
        work.end_slowly()
        sync(database.url)
        check(database, work)


def wait_until_all_is_known(database: Database, work: Work) -> None:
    deadline = time.monotonic() + 60
    while problem := what_is_not_known(database, work.tables()):
        assert time.monotonic() < deadline, problem
        time.sleep(0.2)


def what_is_not_known(database: Database, tables: list[Table]) -> str:
    sync(database.url)
    [[now]] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    for table in tables:
        try:
            database.sql("select count(*) from bemi.rows_as_of(%s, %s::timestamptz)", table.quoted, now)
        except psycopg.Error as error:
            return str(error)
    return ""


def check(database: Database, work: Work) -> None:
    with psycopg.connect(database.url, options="-c TimeZone=UTC", autocommit=True) as connection:
        connection.execute("select bemi.refresh_time_travel()")
        today = {table.oid: table for table in catalog(connection)}
        for moment in work.moments:
            by_functions(connection, moment)
            by_views(connection, moment, today)
        for moment in work.random.sample(work.moments, 3):
            by_command_line(database, moment)
        by_sessions(database, work.random.sample(work.moments, 3), today)
        for moment in work.random.sample([m for m in work.moments if no_uncertain(m)], 2):
            by_copy(database, moment)


def no_uncertain(moment: Moment) -> bool:
    return not any(table.uncertain for table in moment.tables.values())


def is_refused_rightly(table: Table, error: str) -> bool:
    return table.uncertain and any(words in error for words in NOT_KNOWN)


# ---- SQL functions ----


def by_functions(connection: psycopg.Connection, moment: Moment) -> None:
    for table in moment.tables.values():
        query = 'select "row"::text from bemi.rows_as_of(%s, %s)'
        try:
            found = connection.execute(query, (table.quoted, moment.at)).fetchall()
        except psycopg.Error as error:
            if is_refused_rightly(table, str(error)):
                continue
            raise AssertionError((table.quoted, moment.at)) from error
        assert Counter(text for (text,) in found) == table.json_rows, (table.quoted, moment.at)
        if table.key and table.rows:
            row = table.rows[0]
            [(one,)] = connection.execute(
                'select "row"::text from bemi.row_as_of(%s, %s, %s)',
                (table.quoted, table.key_text(row), moment.at),
            ).fetchall()
            assert one in table.json_rows, (table.quoted, moment.at, one)


# ---- Views ----


def as_of_today(then: Table, today: Table) -> Rows:
    """The rows of then under the columns of today: one that was not there is null."""
    return Counter(tuple(row.get(number) for number in today.columns) for row in then.rows)


def by_views(connection: psycopg.Connection, moment: Moment, today: dict[int, Table]) -> None:
    with connection.transaction():
        connection.execute("select set_config('bemi.as_of', %s, true)", (moment.at,))
        for oid, now in today.items():
            then = moment.tables.get(oid)
            schema = "time_travel" if now.schema == "public" else f"time_travel_{now.schema}"
            columns = ", ".join(f"{quoted(name)}::text" for name in now.columns.values())
            query = f"select {columns} from {quoted(schema)}.{quoted(now.name)}"
            try:
                with connection.transaction():
                    past = Counter(connection.execute(query.encode()).fetchall())
            except psycopg.Error as error:
                said = str(error)
                fine = then is None or is_refused_rightly(then, said) or "had other keys" in said
                assert fine, (now.quoted, moment.at, said)
                continue
            assert then is not None, (now.quoted, moment.at, "was not there")
            assert past == as_of_today(then, now), (now.quoted, moment.at)


# ---- The command line ----


def by_command_line(database: Database, moment: Moment) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    for table in moment.tables.values():
        said = bemi("as-of", moment.at, table.quoted, "--format", "json", env=env, check=False)
        if said.returncode != 0:
            assert is_refused_rightly(table, said.stderr), (table.quoted, moment.at, said.stderr)
            continue
        assert Counter(said.stdout.splitlines()) == table.json_rows, (table.quoted, moment.at)
        by_position = bemi("as-of", moment.lsn, table.quoted, "--format", "json", env=env, check=False)
        if by_position.returncode == 0:
            assert by_position.stdout == said.stdout
        else:
            assert "has the same time" in by_position.stderr or is_refused_rightly(table, by_position.stderr)
        texts = bemi("as-of", moment.at, table.quoted, "--format", "csv", env=env).stdout
        read = list(csv.DictReader(io.StringIO(texts, newline="")))
        assert Counter(row["row"] for row in read) == table.json_rows, (table.quoted, moment.at)


# ---- Python ----


def by_sessions(database: Database, moments: list[Moment], today: dict[int, Table]) -> None:
    engine = create_engine(database.url.replace("postgresql:", "postgresql+psycopg:"))
    metadata = MetaData()
    mapped = {
        oid: SqlTable(table.name, metadata, schema=table.schema, autoload_with=engine)
        for oid, table in today.items()
    }
    for moment in moments:
        for oid, now in today.items():
            then = moment.tables.get(oid)
            try:
                with as_of(moment.at, engine=engine) as session:
                    texts = [cast(mapped[oid].c[name], Text) for name in now.columns.values()]
                    past = Counter(tuple(row) for row in session.execute(select(*texts)))
            except Exception as error:
                said = str(error)
                fine = then is None or is_refused_rightly(then, said) or "had other keys" in said
                assert fine, (now.quoted, moment.at, said)
                continue
            assert then is not None and past == as_of_today(then, now), (now.quoted, moment.at)
    engine.dispose()


# ---- Copies ----


def by_copy(database: Database, moment: Moment) -> None:
    name = f"{database.name}_copy"
    url = database.server.create_database(name)
    try:
        done = bemi("checkout", "--at", moment.at, "--into", url, env={"BEMI_SOURCE_URL": database.url})
        with psycopg.connect(url, options="-c TimeZone=UTC", autocommit=True) as connection:
            made = {(table.schema, table.name): table for table in catalog(connection)}
            assert set(made) == {(t.schema, t.name) for t in moment.tables.values()}, moment.at
            for then in moment.tables.values():
                copy = made[then.schema, then.name]
                read_rows(connection, copy)
                assert [*copy.columns.values()] == [*then.columns.values()], (then.quoted, moment.at)
                assert Counter(tuple(row.values()) for row in copy.rows) == Counter(
                    tuple(row.values()) for row in then.rows
                ), (then.quoted, moment.at, done.stderr)
                keys = [[t.columns[number] for number in t.key] for t in (copy, then)]
                assert keys[0] == keys[1], (then.quoted, moment.at)
    finally:
        database.server.drop_database(name)
