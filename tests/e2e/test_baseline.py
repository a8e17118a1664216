"""The rows that were there before: all of them, once, at one moment, whatever happens meanwhile."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter

import psycopg
import pytest

from e2e.oracle import (
    COMMIT_ORDER,
    assert_no_doubles,
    canonical,
    history,
    known_rows,
    live_rows,
    now_of,
    sync,
)
from support.bemi import bemi
from support.fixtures import Database, StartWorker, every_major
from support.seeds import printed_seed
from support.waiting import wait_until

ROWS = 60_000  # of 300 bytes: several chunks
FILL = "insert into item select i, repeat('x', 300) from generate_series(%s::int, %s) i"


class Changing(threading.Thread):
    """Changes, moves, deletes and adds rows until told to stop."""

    def __init__(self, url: str, seed: int) -> None:
        super().__init__()
        self.url, self.random, self.stopping = url, random.Random(seed), False

    def run(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.stopping:
                near = self.random.randrange(ROWS)
                connection.execute(
                    "update item set name = name || 'y' where id between %s and %s",
                    (near, near + 20),
                )
                near = self.random.randrange(ROWS)
                connection.execute("delete from item where id between %s and %s", (near, near + 3))
                connection.execute("insert into item select nextval('ids'), 'new' from generate_series(1, 3)")
                time.sleep(0.005)


def rows_after(changes: list[dict[str, object]], table: str) -> list[str]:
    """Replays; a SNAPSHOT may speak of a row that is known already, and says the same or newer."""
    rows: dict[object, object] = {}
    for change in changes:
        if change["table"] != table:
            continue
        if change["operation"] in ("UPDATE", "DELETE"):
            rows.pop(str(change["before"]["id"]), None)  # type: ignore[index]
        if change["operation"] in ("CREATE", "UPDATE", "SNAPSHOT"):
            rows[change["primary_key"]] = change["after"]
    return sorted(canonical(row) for row in rows.values())


def after_all(url: str, table: str) -> list[tuple[str, str]]:
    """Replays in little memory: each key with a hash of its row."""
    select = (
        "select operation, primary_key, before ->> 'id', md5(after::text)"
        f" from changes where \"table\" = '{table}'"
    )
    rows: dict[str, str] = {}
    with psycopg.connect(url) as connection:
        for operation, key, before, after in connection.execute(f"{select} {COMMIT_ORDER}".encode()):
            if operation in ("UPDATE", "DELETE"):
                rows.pop(before, None)
            if operation in ("CREATE", "UPDATE", "SNAPSHOT"):
                rows[key] = after
    return sorted(rows.items())


def whole(database: Database, table: str) -> bool:
    found = database.sql("select whole from _bemi.coverage where \"table\" = %s and epoch = "
                         "(select epoch from _bemi.source)", table)  # fmt: skip
    return (True,) in found


def wait_whole(database: Database, table: str) -> None:
    wait_until(lambda: whole(database, table), "the baseline")


@every_major
def test_no_gap_and_no_overlap_with_the_stream(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    database.sql(f"create table item (id int primary key, name text); create sequence ids start {ROWS + 1}")
    database.sql(FILL, 1, ROWS)
    changing = Changing(database.url, seed)
    changing.start()
    start_worker().wait_ready()
    time.sleep(1)
    changing.stopping = True
    changing.join()
    sync(database.url)
    changes = history(database.url)
    assert_no_doubles(database.url)
    snapshot = Counter(c["primary_key"] for c in changes if c["operation"] == "SNAPSHOT")
    assert set(snapshot.values()) == {1} and len(snapshot) > ROWS * 0.9
    assert rows_after(changes, "item") == live_rows(database.url, "item")
    # Each before is what was before: none was missed between snapshot and stream.
    rows: dict[object, object] = {}
    for change in changes:
        if change["operation"] in ("UPDATE", "DELETE"):
            assert rows.pop(change["primary_key"]) == change["before"]
        if change["operation"] != "DELETE":
            assert change["primary_key"] not in rows
            rows[change["primary_key"]] = change["after"]


def test_cut_short_it_goes_on_with_the_rest(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    database.sql(
        f"create table item (id int primary key, name text); create sequence ids start {4 * ROWS + 1}"
    )
    database.sql(FILL, 1, 4 * ROWS)
    database.sql("create table line (n int); insert into line select i % 10 from generate_series(1, 1000) i")
    changing = Changing(database.url, seed)
    changing.start()
    pieces = 0
    for _ in range(4):
        worker = start_worker()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            time.sleep(0.05)
            try:
                [[now]] = database.sql("select count(*) from _bemi.baseline_piece")
            except psycopg.errors.UndefinedTable:
                continue
            if now > pieces or whole(database, "item"):
                break
        pieces = now
        worker.kill9()
    start_worker()
    wait_whole(database, "item")
    wait_whole(database, "line")
    changing.stopping = True
    changing.join()
    sync(database.url)
    assert after_all(database.url, "item") == database.sql(
        "select id::text, md5(to_jsonb(i)::text) from item i order by 1"
    )
    # The history answers with the rows of each attempt.
    assert database.sql(
        "select primary_key, md5(\"row\"::text) from bemi.rows_as_of('item', %s::timestamptz) order by 1",
        now_of(database.url),
    ) == after_all(database.url, "item")
    positions = database.sql(
        "select commit_position, count(*) from changes where operation = 'SNAPSHOT' group by 1"
    )
    assert len(positions) > 1
    [[read]] = database.sql(
        "select count(*) from changes where operation = 'SNAPSHOT' and \"table\" = 'item'"
    )
    assert read < 4 * ROWS * 1.3, "what was read is not read again"
    lines = database.sql(
        "select (after ->> 'n')::int, count(*) from changes where \"table\" = 'line' group by 1 order by 1"
    )
    assert lines == [(n, 100) for n in range(10)]
    assert database.sql("select count(*) from _bemi.baseline_piece") == [(0,)]


def begin_and_kill(database: Database, start_worker: StartWorker) -> None:
    """A baseline of `item` that ended in the middle: pieces of it are stored."""
    worker = start_worker()

    def some_are_stored() -> bool:
        try:
            return bool(database.sql("select 1 from _bemi.baseline_piece"))
        except psycopg.errors.UndefinedTable:
            return False

    wait_until(some_are_stored, "the first piece")
    worker.kill9()
    assert not whole(database, "item"), "killed too late"


@pytest.mark.parametrize(
    "meanwhile",
    [
        "alter table item add column more int default 7",
        "alter table item rename column name to label",
        "alter table item drop column name; alter table item add column name text default 'anew'",
        "alter table item rename to thing; alter table thing rename to item",
        "alter table item drop constraint item_pkey; alter table item add primary key (name)",
        "alter publication {publication} drop table item; update item set name = name || 'unseen' where id < 100; "
        "alter publication {publication} add table item",
        "truncate item; insert into item values (1, 'the only one')",
    ],
)
def test_a_baseline_notices_what_happened_between_two_attempts(
    meanwhile: str, database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key, name text)")
    database.sql(
        "insert into item select i, i || repeat('x', 300) from generate_series(1, %s::int) i",
        4 * ROWS,
    )
    begin_and_kill(database, start_worker)
    for statement in meanwhile.format(publication=f"bemi_{database.name}").split("; "):
        database.sql(statement)
    start_worker("--heartbeat-interval", "1")
    wait_whole(database, "item")
    database.sql("delete from item where id % 7 = 0")
    at = now_of(database.url)
    wait_until(lambda: whole(database, "item"))
    key = "name" if "add primary key" in meanwhile else "id"
    said = database.sql(
        "select primary_key, md5(\"row\"::text) from bemi.rows_as_of('item', %s::timestamptz) order by 1",
        at,
    )
    live = database.sql(f"select {key}::text, md5(to_jsonb(i)::text) from item i order by 1")
    assert len(said) == len(live) and said == live


def test_pieces_that_nobody_goes_on_with_are_forgotten(database: Database, start_worker: StartWorker) -> None:
    """Else no checkpoint would be written: it waits for the end of a baseline."""
    database.sql("create table item (id int primary key)")
    start_worker("--heartbeat-interval", "1").wait_ready()
    wait_whole(database, "item")
    database.sql(
        "insert into _bemi.baseline_piece (source, epoch, relation, leaf, file, first_block, position, shape) "
        "select name, epoch + e, 1, 1, 1, 0, 8, '' from _bemi.source, generate_series(-1, 0) e"
    )
    wait_until(lambda: database.sql("select 1 from _bemi.baseline_piece") == [])


@every_major
def test_a_table_added_later(database: Database, start_worker: StartWorker) -> None:
    """Without an event trigger: its rows come while the stream goes on."""
    database.sql("create table item (id int primary key, name text); create sequence ids start 1000000")
    worker = start_worker("--no-event-trigger").wait_ready()
    database.sql("create table later (id int primary key, name text)")
    database.sql("create table parts (id int primary key, name text) partition by hash (id)")
    for number in range(3):
        database.sql(
            f"create table parts_{number} partition of parts for values with (modulus 3, remainder {number})"
        )
    for table in ("later", "parts"):
        database.sql(f"insert into {table} select i, 'old' from generate_series(1, 1000) i")
    database.sql("insert into item values (1, 'streamed')")
    wait_whole(database, "later")
    wait_whole(database, "parts")
    for table in ("later", "parts"):
        database.sql(
            f"update {table} set name = 'new' where id % 2 = 0; delete from {table} where id % 3 = 0"
        )
    sync(database.url)
    changes = history(database.url)
    for table in ("later", "parts"):
        assert rows_after(changes, table) == live_rows(database.url, table)
        assert sum(c["table"] == table and c["operation"] == "SNAPSHOT" for c in changes) == 1000
    assert worker.is_running
    # It answers for the time since.
    env = {"BEMI_SOURCE_URL": database.url}
    database.sql("insert into item values (2, 'later still')")
    sync(database.url)
    [[at]] = database.sql("select max(effective_at)::text from changes where \"table\" = 'later'")
    rows = bemi("as-of", at, "later", "--format", "json", env=env).stdout.splitlines()
    assert len(rows) == database.sql("select count(*) from later")[0][0]


def test_tables_made_by_a_query_or_renamed_are_whole(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        "create table item (id int primary key, name text); insert into item values (1, 'a'), (2, 'b')"
    )
    start_worker().wait_ready()
    database.sql("create table made as select id, name from item")
    database.sql("insert into made values (3, 'streamed')")
    database.sql("alter table item rename to thing")
    database.sql("update thing set name = 'c' where id = 1")
    wait_whole(database, "made")
    assert known_rows(database.url, now_of(database.url), "thing") == live_rows(database.url, "thing")
    changes = history(database.url)
    made = Counter(
        canonical(c["after"]) for c in changes if c["table"] == "made" and c["operation"] == "SNAPSHOT"
    )
    assert sorted(made.elements()) == live_rows(database.url, "made")


def test_row_security_hides_nothing(database: Database, start_worker: StartWorker) -> None:
    database.sql("drop role if exists watcher")
    database.sql("create role watcher login replication")
    database.sql(
        "create table item (id int primary key, owner text); insert into item values (1, 'a'), (2, 'b')"
    )
    database.sql("alter table item enable row level security; create policy p on item using (owner = 'a')")
    env = {"BEMI_SOURCE_URL": database.url.replace("postgres@", "watcher@")}
    bemi("init", env={**env, "BEMI_ADMIN_URL": database.url})
    worker = start_worker(env=env).wait_ready()
    worker.wait_for_line("public.item has no baseline: query would be affected by row-level security")
    database.sql("insert into item values (3, 'b')")
    sync(database.url)
    assert database.sql("select primary_key from changes") == [("3",)]
    asked = bemi("as-of", "now", "item", env={"BEMI_DESTINATION_URL": database.url}, check=False)
    assert asked.returncode != 0 and asked.stdout == "", asked


def test_the_order_of_all_is_right(database: Database, start_worker: StartWorker) -> None:
    """effective_at never falls in commit order, baseline rows that came late included."""
    database.sql("create table item (id int primary key)")
    start_worker("--no-event-trigger").wait_ready()
    for number in range(3):
        database.sql(
            f"create table later_{number} (id int primary key); insert into later_{number} values (1)"
        )
        database.sql(f"insert into item values ({number})")
    for number in range(3):
        wait_whole(database, f"later_{number}")
    sync(database.url)
    times = [row[0] for row in database.sql(f"select effective_at from changes {COMMIT_ORDER}")]
    assert times == sorted(times)


def test_a_table_emptied_or_rewritten_before_its_baseline_is_read_again(
    database: Database, start_worker: StartWorker
) -> None:
    """Such a table looks empty in an older snapshot. It is read anew, and nobody's DDL waited."""
    names = [f"t{number}" for number in range(8)]
    for name in names:
        database.sql(f"create table {name} (id int primary key, v text); insert into {name} values (1, '1')")
    bemi("init", env={"BEMI_SOURCE_URL": database.url})
    [(partition,)] = database.sql("select _bemi.make_partition(now())")
    with psycopg.connect(database.url) as blocking:
        blocking.execute(f"lock table {partition} in exclusive mode".encode())
        worker = start_worker("--heartbeat-interval", "1")
        worker.wait_for_line("making the slot")
        wait_until(
            lambda: database.sql(
                "select pid from pg_stat_activity where application_name = 'bemi/baseline' and wait_event_type = 'Lock'"
            ),
            "the rows wait to be stored",
        )
        database.sql("set lock_timeout = '5s'; truncate t6; insert into t6 values (2, '2')")
        database.sql("set lock_timeout = '5s'; alter table t7 alter column v type int using v::int")
    worker.wait_ready()
    worker.wait_for_line("t6 is read again: the table was emptied or rewritten in the meantime")
    worker.wait_for_line("t7 is read again: the table was emptied or rewritten in the meantime")
    for name in names:
        wait_whole(database, name)
        assert known_rows(database.url, now_of(database.url), name) == live_rows(database.url, name)


def test_reading_many_tables_takes_few_locks(database: Database, start_worker: StartWorker) -> None:
    """The server's lock table is shared: who fills it makes others' statements fail."""
    database.sql("; ".join(f"create table t{number} (id int primary key)" for number in range(400)))
    most = 0
    worker = start_worker()
    while not any("streaming" in line for line in worker.lines()):
        [(locks,)] = database.sql(
            "select count(*) from pg_locks l join pg_stat_activity a using (pid)"
            " where a.application_name = 'bemi/baseline' and l.locktype = 'relation'"
        )
        most = max(most, locks)
    assert 0 < most < 100
