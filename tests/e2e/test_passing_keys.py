"""Keys that pass from row to row within a transaction, as deferrable ones may: every row keeps its own story."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import psycopg
import pytest

from e2e.oracle import now_of, sync
from e2e.undo import Undo
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

SCHEMA = """
create table item (list int, pos int, name text, primary key (list, pos) deferrable initially deferred);
create table slot (pos int primary key deferrable, name text, note text);
create table bare (pos int primary key deferrable initially deferred);
insert into item select 1, i, 'item ' || i from generate_series(1, 4) i;
insert into slot select i, 'slot ' || i from generate_series(1, 4) i;
insert into bare values (1), (2), (3);
"""
# Rows are then told apart by an index that leaves the key out: the stream does not send the old one.
BY_NAME = """
alter table item alter name set not null; create unique index item_name on item (name);
alter table item replica identity using index item_name;
alter table slot alter name set not null; create unique index slot_name on slot (name);
alter table slot replica identity using index slot_name;
"""
TABLES = {"item": ["list", "pos"], "slot": ["pos"], "bare": ["pos"]}


def key_of(table: str, row: str) -> str:
    values = [str(json.loads(row)[column]) for column in TABLES[table]]
    return values[0] if len(values) == 1 else json.dumps(values)


@dataclass
class Moment:
    at: str
    rows: dict[str, list[str]] = field(default_factory=dict)


class Work:
    """Random transactions, and what the server says was there after each."""

    def __init__(self, url: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.connection = psycopg.connect(url, autocommit=True)
        self.moments: list[Moment] = []
        self.names = 0
        self.flags: tuple[str, ...] = ()  # the worker's

    def rows(self, table: str) -> list[str]:
        found = self.connection.execute(f"select to_jsonb(t)::text from {table} t".encode()).fetchall()
        return sorted(text for (text,) in found)

    def remember(self) -> None:
        [(at,)] = self.connection.execute("select clock_timestamp()::text").fetchall()
        self.moments.append(Moment(at, {table: self.rows(table) for table in TABLES}))

    def new_name(self) -> str:
        self.names += 1
        return f"new {self.names}"

    def transact(self, user: int = 1) -> None:
        # Keys that meet in the end are refused by the server.
        with suppress(psycopg.errors.UniqueViolation), self.connection.transaction():
            self.connection.execute(
                "select pg_logical_emit_message(true, '_bemi', %s)", [json.dumps({"user_id": user})]
            )
            self.connection.execute("set constraints all deferred")
            for _ in range(self.random.choice([1, 1, 2])):
                table = self.random.choice(["item", "slot"])
                self.random.choice([self.shift, self.permute, self.permute, self.replace, self.pass_through])(
                    table
                )
            if self.random.random() < 0.3:
                self.connection.execute("update bare set pos = pos + 1")

    def shift(self, table: str) -> None:
        self.connection.execute(
            f"update {table} set pos = pos + {self.random.choice([1, 1, 2, -1])}".encode()
        )

    def permute(self, table: str) -> None:
        """Some rows get each other's keys, one statement each, with other changes in between."""
        rows = self.connection.execute(f"select name, pos from {table}".encode()).fetchall()
        some = self.random.sample(rows, min(len(rows), self.random.randint(2, 4)))
        places = [pos for _, pos in some[1:] + some[:1]]
        for (name, _), pos in zip(some, places, strict=True):
            self.connection.execute(f"update {table} set pos = %s where name = %s".encode(), (pos, name))
            if self.random.random() < 0.3:
                self.rename(table, name)

    def rename(self, table: str, name: str) -> None:
        self.connection.execute(
            f"update {table} set name = %s where name = %s".encode(), (self.new_name(), name)
        )

    def replace(self, table: str) -> None:
        """A new row at the key of one that goes, or goes elsewhere, before or after it."""
        rows = self.connection.execute(f"select name, pos from {table}".encode()).fetchall()
        if not rows:
            return
        name, pos = self.random.choice(rows)
        columns = "list, pos, name" if table == "item" else "pos, name"
        values = "1, %s, %s" if table == "item" else "%s, %s"
        steps = [
            (f"insert into {table} ({columns}) values ({values})", [pos, self.new_name()]),
            self.random.choice(
                [
                    (f"delete from {table} where name = %s", [name]),
                    (f"update {table} set pos = {1000 + self.names} where name = %s", [name]),
                ]
            ),
        ]
        self.random.shuffle(steps)
        for statement, parameters in steps:
            self.connection.execute(statement.encode(), parameters)

    def pass_through(self, table: str) -> None:
        """A row comes to another one's key, and goes on."""
        rows = self.connection.execute(f"select name, pos from {table}".encode()).fetchall()
        if len(rows) < 2:
            return
        (name, _), (_, pos) = self.random.sample(rows, 2)
        for place in (pos, 2000 + self.names):
            self.connection.execute(f"update {table} set pos = %s where name = %s".encode(), (place, name))
        self.names += 1


@pytest.fixture(params=["whole rows", "by name"])
def work(request: pytest.FixtureRequest, database: Database) -> Iterator[Work]:
    seed = printed_seed()
    work = Work(database.url, seed)
    work.connection.execute(SCHEMA.encode())
    if request.param == "by name":
        work.connection.execute(BY_NAME.encode())
        work.flags = ("--replica-identity", "keep")
    yield work
    work.connection.close()


def check_tables(connection: psycopg.Connection, moment: Moment) -> None:
    for table, rows in moment.rows.items():
        found = connection.execute(
            'select primary_key, "row"::text from bemi.rows_as_of(%s, %s)', (table, moment.at)
        ).fetchall()
        assert Counter(row for _, row in found) == Counter(rows), (table, moment.at)
        for key, row in found:
            assert key == key_of(table, row), (table, moment.at)


def check_keys(connection: psycopg.Connection, work: Work, moment: Moment) -> None:
    """One at a time, also those that were there at other moments only."""
    for table, rows in moment.rows.items():
        there = {key_of(table, row): row for row in rows}
        ever = {key_of(table, row) for other in work.moments for row in other.rows[table]}
        for key in ever:
            found = connection.execute(
                'select "row"::text from bemi.row_as_of(%s, %s, %s)', (table, key, moment.at)
            ).fetchall()
            assert [row for (row,) in found] == ([there[key]] if key in there else []), (
                table,
                key,
                moment.at,
            )


def check_views(connection: psycopg.Connection, moment: Moment) -> None:
    with connection.transaction():
        connection.execute("select set_config('bemi.as_of', %s, true)", (moment.at,))
        for table, rows in moment.rows.items():
            found = connection.execute(
                f"select to_jsonb(t)::text from time_travel.{table} t".encode()
            ).fetchall()
            assert Counter(text for (text,) in found) == Counter(rows), (table, moment.at)


def check_histories(connection: psycopg.Connection, work: Work) -> None:
    for table in TABLES:
        ever = {key_of(table, row) for moment in work.moments for row in moment.rows[table]}
        for key in ever:
            found = connection.execute(
                'select m.at, "row"::text from bemi.history(%s, %s)'
                " join unnest(%s::text[]) m (at) on valid_from <= m.at::timestamptz"
                " and coalesce(valid_to, 'infinity') > m.at::timestamptz where operation <> 'DELETE'",
                (table, key, [moment.at for moment in work.moments]),
            ).fetchall()
            for moment in work.moments:
                there = [row for row in moment.rows[table] if key_of(table, row) == key]
                assert [row for at, row in found if at == moment.at] == there, (table, key, moment.at)


def check_differences(connection: psycopg.Connection, first: Moment, second: Moment) -> None:
    for table in TABLES:
        rows = {key_of(table, row): row for row in first.rows[table]}
        for key, operation, before, after in connection.execute(
            "select primary_key, operation, before::text, after::text from bemi.diff(%s, %s, %s)",
            (table, first.at, second.at),
        ).fetchall():
            assert rows.pop(key, "{}") == before, (table, key)
            if operation != "DELETE":
                rows[key] = after
        assert sorted(rows.values()) == second.rows[table], (table, first.at, second.at)


@oldest_and_newest
def test_every_row_has_its_own_past(database: Database, work: Work, start_worker: StartWorker) -> None:
    start_worker(*work.flags).wait_ready()
    sync(database.url)
    work.remember()
    for _ in range(25):
        work.transact()
        work.remember()
    now_of(database.url)
    with psycopg.connect(database.url, autocommit=True, options="-c TimeZone=UTC") as connection:
        connection.execute("select bemi.refresh_time_travel()")
        for moment in work.moments:
            check_tables(connection, moment)
            check_views(connection, moment)
        for moment in work.random.sample(work.moments, 5):
            check_keys(connection, work, moment)
        for _ in range(5):
            check_differences(connection, *work.random.sample(work.moments, 2))
        check_histories(connection, work)
    by_command_line(database, work)
    by_copy(database, work.random.choice(work.moments))


def by_command_line(database: Database, work: Work) -> None:
    env = {"BEMI_SOURCE_URL": database.url}
    for moment in work.random.sample(work.moments, 3):
        for table, rows in moment.rows.items():
            said = bemi("as-of", moment.at, table, "--format", "json", env=env)
            assert Counter(said.stdout.splitlines()) == Counter(rows), (table, moment.at)


def by_copy(database: Database, moment: Moment) -> None:
    url = database.server.create_database(f"{database.name}_copy")
    try:
        bemi("checkout", "--at", moment.at, "--into", url, env={"BEMI_SOURCE_URL": database.url})
        with psycopg.connect(url) as connection:
            for table, rows in moment.rows.items():
                found = connection.execute(f"select to_jsonb(t)::text from {table} t".encode()).fetchall()
                assert Counter(text for (text,) in found) == Counter(rows)
    finally:
        database.server.drop_database(f"{database.name}_copy")


@oldest_and_newest
def test_the_way_back_from_the_live_table_finds_every_row(
    database: Database, work: Work, start_worker: StartWorker
) -> None:
    start_worker(*work.flags, "--snapshot", "none").wait_ready()
    sync(database.url)
    for _ in range(12):
        work.transact()
        work.remember()
    now_of(database.url)
    by_command_line(database, work)
    env = {"BEMI_SOURCE_URL": database.url}
    for table, rows in work.moments[0].rows.items():
        for row in rows:
            one = bemi("as-of", work.moments[0].at, table, key_of(table, row), "--format", "json", env=env)
            assert one.stdout.splitlines() == [row]


@oldest_and_newest
@pytest.mark.parametrize("count", [1, 4])
def test_undone_every_row_has_its_key_again(
    database: Database, work: Work, start_worker: StartWorker, count: int
) -> None:
    start_worker(*work.flags).wait_ready()
    undo = Undo(database)
    for user in range(100, 108):
        work.remember()
        for _ in range(count):
            work.transact(user)
        after = {table: work.rows(table) for table in TABLES}
        plan = undo.plan("--context", f"user_id={user}")
        assert plan["applicable"], plan
        if plan["tables"]:
            undo.apply("--context", f"user_id={user}")
            assert {table: work.rows(table) for table in TABLES} == work.moments[-1].rows
            assert undo.run("redo", "--apply").returncode == 0
        assert {table: work.rows(table) for table in TABLES} == after


@oldest_and_newest
def test_a_mark_gives_every_row_its_key_again(
    database: Database, work: Work, start_worker: StartWorker
) -> None:
    start_worker(*work.flags).wait_ready()
    env = {"BEMI_SOURCE_URL": database.url}
    for _ in range(3):
        work.transact()
    work.remember()
    bemi("mark", "create", "m", env=env)
    for _ in range(6):
        work.transact()
    bemi("mark", "rollback", "m", env=env)
    assert {table: work.rows(table) for table in TABLES} == work.moments[-1].rows


@oldest_and_newest
def test_rows_made_and_deleted_at_once_have_passed_nothing(
    database: Database, start_worker: StartWorker
) -> None:
    """Jobs and sessions are like that, and many: as-of must not look at each of their keys."""
    database.sql("create table slot (pos int primary key deferrable initially deferred, name text)")
    database.sql("insert into slot values (1, 'stays'), (2, 'goes'), (3, 'was')")
    start_worker().wait_ready()
    sync(database.url)
    database.sql("delete from slot where pos = 3")

    def rows(at: str) -> list[tuple[int, str]]:
        found = database.sql("select \"row\" from bemi.rows_as_of('slot', %s::timestamptz)", at)
        return sorted((row["pos"], row["name"]) for (row,) in found)

    def looked_at(at: str) -> list[str]:
        place = "_bemi.find_place('slot', %s::timestamptz, null, false, false)"
        return sorted(key for (key,) in database.sql(f"select key from _bemi.passed_keys({place})", at))

    database.sql(
        "begin; insert into slot select i, 'job' from generate_series(100, 3100) i;"
        " update slot set name = 'done' where pos >= 100; delete from slot where pos >= 100; commit"
    )
    at = now_of(database.url)
    assert rows(at) == [(1, "stays"), (2, "goes")]
    assert looked_at(at) == []
    # A row that has the key all the time; one that had it before; one that takes it over.
    database.sql(
        "begin; insert into slot values (1, 'guest'); delete from slot where name = 'guest';"
        " insert into slot values (3, 'again'); delete from slot where name = 'again';"
        " insert into slot values (2, 'comes'); delete from slot where name = 'goes'; commit"
    )
    at = now_of(database.url)
    assert rows(at) == [(1, "stays"), (2, "comes")]
    assert looked_at(at) == ["1", "2", "3"]
    # And one that comes from elsewhere to a key that a new row has for a moment.
    database.sql(
        "begin; insert into slot values (50, 'guest'); update slot set pos = 50 where name = 'comes';"
        " delete from slot where name = 'guest'; commit"
    )
    at = now_of(database.url)
    assert rows(at) == [(1, "stays"), (50, "comes")]


def test_sql_for_an_undo_is_refused_where_keys_passed(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table slot (pos int primary key deferrable initially deferred, name text)")
    start_worker().wait_ready()
    undo = Undo(database)
    undo.as_user(1, "insert into slot values (1, 'old')")
    undo.as_user(42, "insert into slot values (1, 'new')", "delete from slot where name = 'old'")
    sync(database.url)
    with pytest.raises(psycopg.Error, match="have changed their keys since"):
        database.sql("select bemi.revert_sql(context => '{\"user_id\": 42}')")
    script = bemi(
        "revert", "--context", "user_id=42", "--sql", "-", env={"BEMI_SOURCE_URL": database.url}
    ).stdout
    database.sql(script)
    assert undo.rows("slot") == ["(1,old)"]
