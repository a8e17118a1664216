"""The past as it was: a random workload, snapshots exported at random commits, and every door to them."""

from __future__ import annotations

import asyncio
import datetime
import json
import random
import re
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bemi import PastIsReadOnly, as_of, as_of_async
from sqlalchemy import ARRAY, ForeignKey, Text, create_engine, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from e2e.oracle import now_of, sync
from support.bemi import bemi
from support.fixtures import Database, StartWorker
from support.seeds import printed_seed

TABLES = ["item", "pair", "loose", "born"]
SCHEMA = """
create table item (id int primary key, name text, data json, amount numeric);
create table pair (a int, b text, note text, primary key (a, b));
create table loose (v int, w text);
alter table loose replica identity full;
insert into item values (1, 'before tracking', '{"a": [1, null]}', 1.50), (2, null, 'null', 'NaN');
insert into loose values (1, 'x'), (1, 'x'), (2, null);
"""
oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])

Snapshot = dict[str, Counter[str]]


class Workload:
    def __init__(self, database: Database, seed: int) -> None:
        self.random = random.Random(seed)
        self.connection = psycopg.connect(database.url, autocommit=True)
        # The oracle's clock: the source's own, between two commits.
        self.reader = psycopg.connect(database.url, autocommit=True, options="-c TimeZone=UTC")
        self.snapshots: list[tuple[datetime.datetime, Snapshot]] = []

    def close(self) -> None:
        self.connection.close()
        self.reader.close()

    def run(self, transactions: int) -> None:
        for _ in range(transactions):
            with self.connection.transaction() as transaction:
                for _ in range(self.random.randint(1, 5)):
                    self.step()
                if self.random.random() < 0.1:
                    raise psycopg.Rollback(transaction)
            if self.random.random() < 0.2:
                self.take_snapshot()

    def step(self) -> None:
        try:
            with self.connection.transaction():
                self.change()
                if self.random.random() < 0.2:
                    raise ZeroDivisionError
        except (ZeroDivisionError, psycopg.errors.UniqueViolation):
            pass  # rolled back to its savepoint

    def change(self) -> None:
        number, letter = self.random.randint(1, 30), self.random.choice("abc")
        key = f"where id = {number}"
        statement = self.random.choice(
            [
                f"insert into item values ({number}, '{letter}', '[{number}]', {number}.10)",
                f"insert into item values ({number}, null, null, null) on conflict do nothing",
                f"insert into item values ({number}, '', 'null', -0.0) on conflict do nothing",
                f"update item set name = name || '{letter}' {key}",
                f"update item set data = '{{\"k\": {number}}}', amount = amount * 1.1 {key}",
                f"update item set id = id + 100 {key}",
                f"update item set id = id - 100 where id = {number + 100}",
                f"delete from item {key}",
                f"insert into pair values ({number % 5}, '{letter}\"', 'n') on conflict (a, b) do update"
                " set note = pair.note || 'n'",
                f"delete from pair where a = {number % 5}",
                f"update pair set b = b || 'x' where a = {number % 5} and length(b) < 6",
                f"insert into loose values ({number % 4}, '{letter}')",
                f"update loose set w = '{letter}' where v = {number % 4}",
                f"delete from loose where ctid in (select ctid from loose where v = {number % 4} limit 1)",
                f"insert into born values ({number}, '{letter}') on conflict do nothing",
                f"delete from born where id = {number}",
            ]
            + (["truncate " + self.random.choice(["item", "loose", "pair, born"])] if number == 7 else [])
        )
        self.connection.execute(statement)

    def take_snapshot(self) -> None:
        with self.reader.transaction():
            self.reader.execute("set transaction isolation level repeatable read")
            [moment] = self.reader.execute("select clock_timestamp()").fetchone() or [None]
            found = {
                table: rows_of(self.reader, f"select to_jsonb(t)::text from {table} t") for table in TABLES
            }
        assert moment is not None
        self.snapshots.append((moment, found))


def rows_of(connection: psycopg.Connection, query: str, *parameters: object) -> Counter[str]:
    return Counter(text for (text,) in connection.execute(query, parameters).fetchall())


@oldest_and_newest
def test_every_snapshot_is_found_again(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    database.sql("create table born (id int primary key, w text)")
    seed = printed_seed()
    with closing(Workload(database, seed)) as workload:
        workload.take_snapshot()
        workload.run(300)
        workload.take_snapshot()
    sync(database.url)
    with psycopg.connect(database.url, options="-c TimeZone=UTC", autocommit=True) as connection:
        for moment, snapshot in workload.snapshots:
            for table in TABLES:
                past = rows_of(connection, 'select "row"::text from bemi.rows_as_of(%s, %s)', table, moment)
                assert past == snapshot[table], (seed, table, moment)
        the_views_say_the_same(connection, workload)
        typed = "select to_jsonb(t)::text from bemi.as_of(null::item, %s) t"
        moment, snapshot = workload.random.choice(workload.snapshots)
        assert rows_of(connection, typed, moment) == snapshot["item"]
        each_row_by_its_key(connection, workload)
        differences_lead_from_one_to_the_other(connection, workload)
    env = {"BEMI_SOURCE_URL": database.url}
    moment, snapshot = workload.snapshots[-1]
    done = bemi("as-of", moment.isoformat(), "item", "--format", "json", env=env)
    assert Counter(done.stdout.splitlines()) == snapshot["item"]


def the_views_say_the_same(connection: psycopg.Connection, workload: Workload) -> None:
    for moment, snapshot in workload.snapshots:
        with connection.transaction():
            set_past(connection, moment)
            for table in TABLES:
                past = rows_of(connection, f"select to_jsonb(t)::text from {table} t")
                assert past == snapshot[table], (table, moment)
            # Joined, all of one moment.
            joined = "select i.id from item i join pair p on p.a = i.id join born b using (id) order by 1"
            ids = {table: [json.loads(text) for text in snapshot[table].elements()] for table in TABLES}
            assert [n for (n,) in connection.execute(joined)] == sorted(
                p["a"]
                for p in ids["pair"]
                if any(i["id"] == p["a"] for i in ids["item"]) and any(b["id"] == p["a"] for b in ids["born"])
            )


def set_past(connection: psycopg.Connection, moment: object) -> None:
    connection.execute("select set_config('bemi.as_of', %s, true)", (str(moment),))
    connection.execute("set local search_path = time_travel")


def each_row_by_its_key(connection: psycopg.Connection, workload: Workload) -> None:
    for moment, snapshot in workload.random.sample(workload.snapshots, 5):
        live = {str(json.loads(text)["id"]): text for text in snapshot["item"]}
        for key in map(str, range(1, 131)):
            query = 'select "row"::text from bemi.row_as_of(%s, %s, %s)'
            assert [t for (t,) in connection.execute(query, ("item", key, moment))] == (
                [live[key]] if key in live else []
            ), (key, moment)


def differences_lead_from_one_to_the_other(connection: psycopg.Connection, workload: Workload) -> None:
    (first, before), (last, after) = sorted(workload.random.sample(workload.snapshots, 2))
    found = connection.execute(
        "select before::text, after::text from bemi.diff('item', %s, %s)", (first, last)
    ).fetchall()
    rows = before["item"].copy()
    for old, new in found:
        rows.subtract([old] if old != "{}" else [])
        rows.update([new] if new != "{}" else [])
    assert +rows == after["item"]


def test_a_records_history(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    database.sql("update item set name = 'Run', amount = 2 where id = 1")
    database.sql("update item set id = 3 where id = 1; truncate item")
    sync(database.url)
    query = "select version, operation, changed, valid_to is not null from bemi.history('item', %s)"
    first = {"id": [None, 1], "name": [None, "before tracking"], "data": [None, {"a": [1, None]}]}
    assert database.sql(query, "1") == [
        (1, "SNAPSHOT", {**first, "amount": [None, 1.50]}, True),
        (2, "UPDATE", {"name": ["before tracking", "Run"], "amount": [1.50, 2]}, True),
    ]
    assert database.sql(query, "3") == [(1, "UPDATE", {"id": [1, 3]}, True)]
    env = {"BEMI_SOURCE_URL": database.url}
    lines = bemi("history", "item", "1", "--format", "json", env=env).stdout.splitlines()
    assert [json.loads(line)["version"] for line in lines] == [1, 2]
    assert "name: before tracking → Run" in bemi("history", "public.item", "1", env=env).stdout
    failed = bemi("history", "item", "99", env=env, check=False)
    assert failed.returncode != 0 and "there is no change of item 99" in failed.stderr


def error_of(*arguments: str, database: Database, exit_code: int = 1) -> str:
    done = bemi(*arguments, env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stderr


def test_an_answer_says_what_is_not_known(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    worker = start_worker("--snapshot", "none").wait_ready()
    database.sql("insert into item values (3, 'c', null, null)")
    sync(database.url)
    [(now,)] = database.sql("select clock_timestamp()::text")
    # Not all that was committed until now may have arrived.
    assert "is known until" in error_of("as-of", now, "item", database=database)
    database.sql("insert into item values (4, 'd', null, null)")
    sync(database.url)
    # There was no baseline, and the source is not to be asked.
    alone = {"BEMI_DESTINATION_URL": database.url}
    error = bemi("as-of", now, "item", env=alone, check=False).stderr
    assert "that have not changed since" in error and "--partial" in error
    env = {"BEMI_SOURCE_URL": database.url}
    partial = bemi("as-of", now, "item", "--partial", "--format", "json", env=env).stdout.splitlines()
    assert [json.loads(line)["id"] for line in partial] == [3]
    assert "begins at" in error_of("as-of", "2001-01-01", "item", database=database)
    assert "there is no history of public.nothing" in error_of("as-of", now, "nothing", database=database)
    # A table made under tracking is known whole.
    database.sql("create table born (id int primary key); insert into born values (1)")
    sync(database.url)
    [(position,)] = database.sql("select pg_current_wal_lsn()::text")
    database.sql("insert into born values (2)")
    sync(database.url)
    past = bemi("as-of", position, "born", "--format", "json", env=env).stdout
    assert [json.loads(line) for line in past.splitlines()] == [{"id": 1}]
    worker.terminate()


def test_a_gap_is_never_crossed_in_silence(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    worker = start_worker().wait_ready()
    database.sql("update item set name = 'known'")
    sync(database.url)
    worker.terminate()
    database.server.drop_slot(f"bemi_{database.name}")
    database.sql("update item set name = 'lost'")
    [(lost,)] = database.sql("select clock_timestamp()::text")
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("init", "--accept-gap", env=env)
    start_worker().wait_ready()
    database.sql("update item set name = 'after'")
    [(after,)] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    error = error_of("as-of", lost, "item", database=database)
    assert "nothing is known of" in error
    partial = bemi("as-of", lost, "item", "--partial", "--format", "json", env=env).stdout
    assert {json.loads(line)["name"] for line in partial.splitlines()} == {"known"}
    whole = bemi("as-of", after, "item", "--format", "json", env=env).stdout
    assert {json.loads(line)["name"] for line in whole.splitlines()} == {"after"}


def test_a_table_made_anew_is_another_one(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    database.sql("drop table item; create table item (id int primary key, other text)")
    sync(database.url)
    [(moment,)] = database.sql("select clock_timestamp()::text")
    database.sql("insert into item values (7, 'new')")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    assert bemi("as-of", moment, "item", "--format", "json", env=env).stdout == ""
    database.sql("alter table item rename to thing; insert into thing values (8, 'renamed')")
    sync(database.url)
    [(position,)] = database.sql("select max(commit_position)::bigint from changes")
    later = f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
    renamed = [{"id": 7, "other": "new"}, {"id": 8, "other": "renamed"}]
    said = bemi("as-of", later, "thing", "--format", "json", env=env).stdout
    assert [json.loads(line) for line in said.splitlines()] == renamed
    assert "had another name" in error_of("as-of", later, "item", database=database)
    # By its later name it is found before, too.
    assert bemi("as-of", moment, "thing", "--format", "json", env=env).stdout == ""


def test_a_mark_is_a_time(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_REVERT_URL": database.url}
    database.sql("update item set name = 'marked' where id = 1")
    bemi("mark", "create", "release 7", env=env)
    database.sql("update item set name = 'later' where id = 1")
    sync(database.url)
    said = bemi("as-of", "release 7", "item", "1", "--format", "json", env=env).stdout
    assert json.loads(said)["name"] == "marked"
    with psycopg.connect(database.url) as connection:
        set_past(connection, "release 7")
        assert connection.execute("select name from item where id = 1").fetchall() == [("marked",)]


def test_pages_lead_through_all_changes(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    # Many at one position, and some alone.
    database.sql("insert into loose select i, 'many' from generate_series(1, 7) i")
    for number in range(5):
        database.sql(f"insert into loose values ({number}, 'alone')")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}

    def page(*arguments: str, limit: str = "3") -> list[str]:
        done = bemi("changes", "--table", "loose", "--format", "json", "--limit", limit, *arguments, env=env)
        return [json.loads(line)["id"] for line in done.stdout.splitlines()]

    everything = page(limit="1000")
    assert len(everything) == 15
    backwards = page()
    while found := page("--before", backwards[0]):
        backwards = found + backwards
    forwards = everything[:1]
    while found := page("--after", forwards[-1]):
        forwards += found
    assert backwards == forwards == everything
    assert "there is no change of id" in error_of(
        "changes", "--before", "nothing", database=database, exit_code=2
    )
    moment = now_of(database.url)
    database.sql("update item set name = 'later'")
    sync(database.url)
    rows = bemi("as-of", moment, "item", "--limit", "1", "--after", "1", "--format", "json", env=env).stdout
    assert [json.loads(row)["id"] for row in rows.splitlines()] == [2]


def test_groups_and_trends(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    for user in (1, 2, 1):
        database.sql(
            f"select pg_logical_emit_message(true, '_bemi', '{{\"user_id\": {user}}}');"
            "update item set name = name || 'x'; insert into loose values (9, 'z')"
        )
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    lines = bemi("transactions", "--context", "user_id=1", "--format", "json", env=env).stdout.splitlines()
    seen: list[dict[str, Any]] = [json.loads(line) for line in lines]
    assert [t["tables"] for t in seen] == [{"public.item": 2, "public.loose": 1}] * 2
    assert all(t["context"] == {"user_id": 1} and t["changes"] == 3 for t in seen)
    lines = bemi(
        "trends", "--by", "user_id", "--every", "1 day", "--format", "json", env=env
    ).stdout.splitlines()
    assert [(json.loads(line)["group"], json.loads(line)["changes"]) for line in lines] == [
        ("1", 6),
        ("2", 3),
    ]
    assert "█" in bemi("trends", "--by", "table", env=env).stdout


def test_a_reader_needs_these_rights_and_no_more(database: Database, start_worker: StartWorker) -> None:
    """As docs/reference/rights.md has them."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "rights.md").read_text()
    [grants] = re.findall(r"```sql\n(select _bemi.grant_rights.*?)```", page, re.DOTALL)
    database.sql(SCHEMA)
    start_worker().wait_ready()
    sync(database.url)
    database.sql("create role auditor login")
    url = database.url.replace("postgres@", "auditor@")
    try:
        for command in ("changes", "status", "as-of now item", "history item 1", "blame item 1"):
            refused = bemi(*command.split(), env={"BEMI_DESTINATION_URL": url}, check=False)
            assert refused.returncode == 1 and refused.stdout == ""
            assert "the role auditor may not read this history" in refused.stderr
            assert re.search(r'its owner runs: grant "bemi_\w+_reader" to "auditor";', refused.stderr)
        database.sql(grants)
        [(moment,)] = database.sql("select clock_timestamp()::text")
        sync(database.url)
        done = bemi("as-of", moment, "item", "1", "--format", "json", env={"BEMI_DESTINATION_URL": url})
        assert json.loads(done.stdout)["name"] == "before tracking"
        with psycopg.connect(url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("delete from changes")
    finally:
        database.sql("drop owned by auditor; drop role auditor")


@oldest_and_newest
def test_a_reader_gets_a_whole_table_by_its_keys(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA)
    start_worker().wait_ready()
    role = f"auditor_{database.name}"
    database.sql(f'create role "{role}" login')
    database.sql("select _bemi.grant_rights('reader', %s)", role)
    for n in range(20):
        database.sql("update item set amount = %s", n)
    moment = now_of(database.url)
    rows = "select primary_key, \"row\"::text from bemi.rows_as_of('item', %s) order by 1"
    with psycopg.connect(database.url.replace("postgres@", f"{role}@", 1), autocommit=True) as connection:
        [_, (way,)] = connection.execute("select bemi.explain_as_of('item', %s)", (moment,)).fetchall()
        assert "one probe of the index for each key" in way
        found = connection.execute(rows.encode(), (moment,)).fetchall()
        assert found == database.sql(rows, moment) and len(found) == 2
        # Without that right, all changes are read.
        database.sql(
            f'do $$ begin execute format($f$ revoke select on %s from "{role}" $f$, (select'
            " string_agg(to_regclass('_bemi.key_' || id)::text, ', ') from _bemi.view"
            " where key_types <> '{}')); end $$"
        )
        assert connection.execute(rows.encode(), (moment,)).fetchall() == found
    database.sql(f'drop owned by "{role}"; drop role "{role}"')


# Each with what it does to the names of columns, and whether rows get values that nobody tells.
ALTERATIONS = [
    "alter table item add column extra_{n} text",
    "alter table item add column given_{n} numeric(6,2) default 1.50",
    "alter table item add column listed_{n} int[] default '{{1,null}}'",
    "alter table item add column seen_{n} timestamptz default '2026-11-23 17:09:14+01'",
    "alter table item rename column {any} to renamed_{n}",
    "alter table item drop column {any}",
    "alter table item rename to item_{n}; alter table item_{n} rename to item",
    "begin; alter table item add column both_{n} int; update item set both_{n} = id;"
    " alter table item rename column both_{n} to later_{n}; commit",
    "alter table loose add column more_{n} int default 7",
    "alter table loose rename column w to w_{n}; alter table loose rename column w_{n} to w",
    "alter table item alter column name type varchar(200)",
]
REWRITES = [
    "alter table item alter column amount type text using amount::text || '!'",
    "alter table item add column counted serial",
    "alter table item drop constraint item_pkey, add primary key (id, kind)",
]


@oldest_and_newest
def test_snapshots_are_found_again_across_schema_changes(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(
        SCHEMA + "alter table item add column kind int not null default 1, alter column name type varchar(50)"
    )
    start_worker().wait_ready()
    seed = printed_seed()
    dice = random.Random(seed)
    moments: list[tuple[datetime.datetime, dict[str, list[dict[str, Any]]], dict[str, dict[int, str]]]] = []

    def remember() -> None:
        with psycopg.connect(database.url, options="-c TimeZone=UTC") as reader:
            reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            [now] = reader.execute("select clock_timestamp()").fetchone() or [None]
            rows, names = {}, {}
            for table in ("item", "loose"):
                rows[table] = [row for (row,) in reader.execute(f"select to_jsonb(t) from {table} t")]
                names[table] = columns_of(reader, table)
        assert now is not None
        moments.append((now, rows, names))

    def work() -> None:
        for _ in range(dice.randint(1, 4)):
            number = dice.randint(1, 12)
            database.sql(
                dice.choice(
                    [
                        f"insert into item (id) values ({number}) on conflict do nothing",
                        f"update item set id = id where id = {number}",
                        f"update item set id = id + 12 where id = {number} and not exists"
                        f" (select from item where id = {number + 12})",
                        f"delete from item where id = {number}",
                        f"insert into loose (v) values ({number % 3})",
                        f"delete from loose where ctid in"
                        f" (select ctid from loose where v = {number % 3} limit 1)",
                        f"update loose set v = v + 1 where v = {number % 3}",
                    ]
                )
            )
        remember()

    alterations = [*dice.choices(ALTERATIONS, k=12), *ALTERATIONS]
    dice.shuffle(alterations)
    for number, alteration in enumerate(alterations):
        work()
        with psycopg.connect(database.url) as connection:
            spare = [
                n
                for n in columns_of(connection, "item").values()
                if n not in ("id", "kind", "name", "amount")
            ]
        if not spare and "{any}" in alteration:
            continue
        database.sql(alteration.format(n=number, any=dice.choice(spare or ["none"])))
        remember()
    for rewrite in REWRITES:
        work()
        database.sql(rewrite)
        [(between,)] = database.sql("select clock_timestamp()::text")
        wait_until_known(database, "item")
        # Its rows were rewritten and had not been read yet: that is said.
        alone = {"BEMI_DESTINATION_URL": database.url}
        assert "not all rows" in bemi("as-of", between, "item", env=alone, check=False).stderr
        work()
    sync(database.url)
    with psycopg.connect(database.url, options="-c TimeZone=UTC", autocommit=True) as connection:
        for moment, rows, names in moments:
            for table in ("item", "loose"):
                query = 'select "row" from bemi.rows_as_of(%s, %s)'
                past = [row for (row,) in connection.execute(query, (table, moment))]
                assert in_order(past) == in_order(rows[table]), (seed, table, moment)
                check_view(connection, table, moment, rows[table], names[table])


def check_view(
    connection: psycopg.Connection,
    table: str,
    moment: datetime.datetime,
    rows: list[dict[str, Any]],
    names: dict[int, str],
) -> None:
    """A view has the columns of now, by what stays when they are renamed. It refuses a time when rows had
    another key."""
    today = columns_of(connection, table)
    expected = [
        {name: row[names[number]] if number in names else None for number, name in today.items()}
        for row in rows
    ]
    with connection.transaction():
        set_past(connection, moment)
        try:
            past = [row for (row,) in connection.execute(f"select to_jsonb(t) from {table} t")]
        except psycopg.errors.ObjectNotInPrerequisiteState as refused:
            if "had other keys" in str(refused):
                raise psycopg.Rollback from refused
            raise
        assert in_order(as_text(past, "amount")) == in_order(as_text(expected, "amount")), (table, moment)


def as_text(rows: list[dict[str, Any]], column: str) -> list[dict[str, Any]]:
    """A column that had another type then is shown as the one that it has now."""
    return [{**row, column: None if row.get(column) is None else str(row[column])} for row in rows]


def columns_of(connection: psycopg.Connection, table: str) -> dict[int, str]:
    query = (
        "select attnum, attname from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by 1"
    )
    return dict(connection.execute(query, (f"public.{table}",)).fetchall())


def in_order(rows: list[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(row, sort_keys=True) for row in rows)


def wait_until_known(database: Database, table: str) -> None:
    env = {"BEMI_DESTINATION_URL": database.url}
    deadline = time.monotonic() + 60
    while bemi("as-of", now_of(database.url), table, env=env, check=False).returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Base(DeclarativeBase):
    pass


class Owner(Base):
    __tablename__ = "owner"
    __table_args__ = {"schema": "app"}  # noqa: RUF012
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    things: Mapped[list[Thing]] = relationship(back_populates="owner")


class Thing(Base):
    __tablename__ = "thing"
    id: Mapped[int] = mapped_column(primary_key=True)
    mood: Mapped[str]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    owner_id: Mapped[int] = mapped_column(ForeignKey("app.owner.id"))
    owner: Mapped[Owner] = relationship(back_populates="things")


THINGS = """
create schema app;
create table app.owner (id int primary key, name text);
create table thing (id int primary key, mood text, tags text[], owner_id int references app.owner);
insert into app.owner values (1, 'Ann'), (2, 'Bob');
insert into thing values (1, 'sad', '{a,"b c",NULL}', 1), (2, 'ok', '{}', 2);
create table unlogged_thing (id int);
"""


@oldest_and_newest
def test_orm_objects_of_the_past(database: Database, start_worker: StartWorker) -> None:
    database.sql(THINGS)
    start_worker("--exclude", "unlogged_thing").wait_ready()
    moment = datetime.datetime.fromisoformat(now_of(database.url))
    database.sql(
        "update thing set mood = 'ok', owner_id = 2 where id = 1;"
        "update app.owner set name = 'Bea' where id = 2"
    )
    database.sql("delete from thing where id = 2; insert into thing values (3, 'new', '{z}', 1)")
    sync(database.url)
    sync(database.url)
    url = database.url.replace("postgresql:", "postgresql+psycopg:")
    engine = create_engine(url)
    ordered = select(Thing).order_by(Thing.id)
    with Session(engine) as present, as_of(moment, engine=engine) as session:
        now = present.scalars(ordered).all()
        then = session.scalars(ordered).all()
        assert [(t.id, t.mood, t.tags, t.owner.name) for t in then] == [
            (1, "sad", ["a", "b c", None], "Ann"),
            (2, "ok", [], "Bob"),
        ]
        assert [(t.id, t.owner.name) for t in now] == [(1, "Bea"), (3, "Ann")]
        bea = session.get_one(Owner, 2)
        assert bea.name == "Bob" and [t.id for t in bea.things] == [2]
        bea.name = "changed"
        with pytest.raises(PastIsReadOnly):
            session.flush()
        session.expire_all()
        with pytest.raises(PastIsReadOnly):
            session.execute(update(Thing).values(mood="x"))
        session.rollback()
        assert session.get_one(Owner, 2).name == "Bob"
        with pytest.raises(DBAPIError, match="is not tracked"):
            session.execute(text("select id from unlogged_thing"))
    engine.dispose()

    async def ask() -> list[int]:
        engine = create_async_engine(url)
        async with as_of_async(moment, engine=engine) as session:
            ids = [thing.id for thing in await session.scalars(ordered)]
        await engine.dispose()
        return ids

    assert asyncio.run(ask()) == [1, 2]
    with psycopg.connect(database.url) as connection, pytest.raises(psycopg.Error, match="no time is given"):
        connection.execute("select * from time_travel.thing where id = 99")


@oldest_and_newest
def test_a_copy_of_the_past(database: Database, start_worker: StartWorker) -> None:
    database.sql("create type mood as enum ('sad', 'very ''ok')")
    database.sql(
        THINGS + "create index by_mood on thing (mood); create unique index on app.owner (lower(name));"
        "alter table thing add column felt mood default 'sad', add column n numeric(6,2) default 1.50;"
    )
    start_worker("--exclude", "unlogged_thing").wait_ready()
    moment = now_of(database.url)
    snapshot = {t: rows_of_table(database.url, t) for t in ("app.owner", "thing")}
    database.sql(
        "alter table thing rename column mood to state; update thing set state = 'x';"
        "delete from thing where id = 2; delete from app.owner where id = 2"
    )
    database.sql("alter table thing rename to item; update item set n = 2 where id = 1")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url}
    done = bemi("checkout", "--at", moment, "--into", "then", env=env)
    assert "2 tables with 4 rows" in done.stdout
    assert rows_of_table(database.url, '"then".thing') == snapshot["thing"]
    assert rows_of_table(database.url, '"then".owner') == snapshot["app.owner"]
    made = database.sql(
        "select conrelid::regclass::text, contype::text from pg_constraint"
        " where connamespace = 'then'::regnamespace and contype in ('p', 'f') order by 1, 2"
    )
    assert made == [('"then".owner', "p"), ('"then".thing', "f"), ('"then".thing', "p")]
    indexes = database.sql("select indexdef from pg_indexes where schemaname = 'then' order by indexname")
    assert any("(mood)" in definition for (definition,) in indexes)
    assert any("lower(name)" in definition for (definition,) in indexes)
    types = (
        "select format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0"
    )
    assert database.sql(types, '"then".thing') == database.sql(types, "item")
    # In the source's own database it is not tracked itself.
    assert database.sql("select 1 from pg_publication_tables where schemaname = 'then'") == []
    again = error_of("checkout", "--at", moment, "--into", "then", database=database, exit_code=2)
    assert "is there already" in again
    # Into another database, where the enumeration is made too.
    name = f"{database.name}_copy"
    url = database.server.create_database(name)
    try:
        bemi("checkout", "--at", moment, "--into", url, env=env)
        assert rows_of_table(url, "thing") == snapshot["thing"]
        assert rows_of_table(url, "app.owner") == snapshot["app.owner"]
    finally:
        database.server.drop_database(name)


def rows_of_table(url: str, table: str) -> Counter[str]:
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        return rows_of(connection, f"select t::text from {table} t")


@oldest_and_newest
def test_rows_without_a_key_beside_a_generated_column(database: Database, start_worker: StartWorker) -> None:
    """Up to 17 the stream leaves the column out; all else that tells the rows apart is there."""
    database.sql("create table line (n int, twice int generated always as (n * 2) stored)")
    start_worker().wait_ready()
    database.sql("insert into line select i % 3 from generate_series(1, 9) i")
    database.sql("update line set n = 7 where n = 1; delete from line where n = 2")
    rows = database.sql("select (\"row\" ->> 'n')::int from bemi.rows_as_of('line', %s::timestamptz)",
                        now_of(database.url))  # fmt: skip
    assert sorted(n for (n,) in rows) == [0, 0, 0, 7, 7, 7]
