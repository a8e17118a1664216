"""Back from the live table, where no baseline was taken: exact at every moment, while others write on."""

from __future__ import annotations

import csv
import io
import threading
import time
from collections import Counter
from contextlib import closing, suppress

import psycopg

from e2e.oracle import now_of, sync
from e2e.random_past import SCHEMA, Moment, Work
from support.bemi import bemi
from support.dashboard import TOKEN, Dashboard
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

# There is no way back, and that is said.
NO_WAY = (
    "was emptied",
    "rewritten unseen",
    "was dropped since",
    "is not there any more",
    "was dropped before",
)


@oldest_and_newest
def test_every_moment_is_found_from_the_live_table(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    database.sql(SCHEMA)
    start_worker("--snapshot", "none", "--heartbeat-interval", "1").wait_ready()
    with closing(Work(database.url, seed)) as work:
        for _ in range(12):
            for _ in range(2):
                work.transact()
            work.begin_slowly()
            work.remember()
            if work.random.random() < 0.4:
                work.alter_plainly()
        work.remember()
        now_of(database.url)
        with closing(Disturbance(database.url)):
            found = sum(check(database, moment) for moment in work.random.sample(work.moments, 6))
            assert found > 6
            pairs = [sorted(work.random.sample(range(len(work.moments)), 2)) for _ in range(4)]
            compared = sum(compare(database, work.moments[a], work.moments[b]) for a, b in pairs)
            assert compared > 2


class Disturbance(threading.Thread):
    """Writes on while the past is asked for."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.stopping = url, False
        self.start()

    def run(self) -> None:
        with psycopg.connect(self.url, autocommit=True, options="-c lock_timeout=100ms") as connection:
            number = 0
            while not self.stopping:
                number += 1
                for statement in (
                    f"insert into loose values ({number % 3}, 'later')",
                    "delete from loose where ctid in (select ctid from loose limit 1)",
                    f"insert into item (id, name) values ({number % 20}, 'later') on conflict do nothing",
                    f"delete from item where id = {number % 7}",
                    f"update item set id = id + 100 where id = {number % 20} and not exists"
                    f" (select from item i where i.id = {number % 20 + 100})",
                ):
                    with suppress(psycopg.Error):
                        connection.execute(statement.encode())
                time.sleep(0.01)

    def close(self) -> None:
        self.stopping = True
        self.join()


def check(database: Database, moment: Moment) -> int:
    """How many tables were answered."""
    env = {"BEMI_SOURCE_URL": database.url}
    answered = 0
    for table in moment.tables.values():
        done = bemi("as-of", moment.at, table.quoted, "--format", "csv", env=env, check=False)
        if done.returncode != 0:
            assert any(words in done.stderr for words in NO_WAY), (table.quoted, moment.at, done.stderr)
            continue
        rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
        assert Counter(row["row"] for row in rows) == table.json_rows, (table.quoted, moment.at)
        answered += 1
        if table.key and rows:
            [key] = {row["primary_key"] for row in rows[:1]}
            one = bemi("as-of", moment.at, table.quoted, key, "--format", "json", env=env)
            assert one.stdout.splitlines() == [rows[0]["row"]], (table.quoted, moment.at, key)
    return answered


def compare(database: Database, first: Moment, second: Moment) -> int:
    """How many tables' differences were found."""
    found = 0
    for oid in first.tables.keys() & second.tables.keys():
        old, new = first.tables[oid], second.tables[oid]
        if old.name != new.name or old.schema != new.schema:
            continue
        done = bemi("diff", old.quoted, first.at, second.at, "--format", "csv",
                    env={"BEMI_SOURCE_URL": database.url}, check=False)  # fmt: skip
        if done.returncode != 0:
            assert any(words in done.stderr for words in NO_WAY), (
                old.quoted,
                first.at,
                second.at,
                done.stderr,
            )
            continue
        rows = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
        told = {side: Counter(row[side] for row in rows if row[side] != "{}") for side in ("before", "after")}
        # SQL's null and JSON's differ, but not in JSON.
        same = told["before"] & told["after"]
        assert told["before"] - same == old.json_rows - new.json_rows, (old.quoted, first.at, second.at)
        assert told["after"] - same == new.json_rows - old.json_rows, (old.quoted, first.at, second.at)
        found += 1
    return found


def test_the_dashboard_walks_back_too(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text)")
    database.sql("insert into item select i, 'a' from generate_series(1, 12) i")
    options = ("--snapshot", "none", "--http", "127.0.0.1:0", "--http-token", TOKEN)
    worker = start_worker(*options).wait_ready()
    database.sql("update item set name = 'b' where id = 2")
    [(moment,)] = database.sql("select clock_timestamp()::text")
    database.sql("update item set name = 'c' where id in (2, 3); delete from item where id = 12")
    [(later,)] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    with closing(Dashboard(worker)) as dashboard:
        page = dashboard.get("/api/as-of", table="item", at=moment, limit=2, offset=1)
        assert page["total"] == 12
        assert [row["row"] for row in page["rows"]] == [{"id": 2, "name": "b"}, {"id": 3, "name": "a"}]
        last = dashboard.get("/api/as-of", table="item", at=moment, limit=5, offset=11)
        assert [row["primary_key"] for row in last["rows"]] == ["12"]
        changed = dashboard.get("/api/diff", table="item", **{"from": moment, "to": later})
        assert [(row["primary_key"], row["operation"]) for row in changed["rows"]] == [
            ("2", "UPDATE"), ("3", "UPDATE"), ("12", "DELETE")
        ]  # fmt: skip
    # Stored data alone is asked where nobody knows the source.
    alone = start_worker("--http", "127.0.0.1:0", "--http-token", TOKEN, command="serve",
                         env={"BEMI_DESTINATION_URL": database.url, "BEMI_SOURCE_URL": ""})  # fmt: skip
    with closing(Dashboard(alone)) as dashboard:
        refused = dashboard.client.get("/api/as-of", params={"table": "item", "at": moment})
        assert refused.status_code == 409 and "not all rows" in refused.json()["detail"]


def test_values_of_ignored_columns_are_not_called_known(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table item (id int primary key, name text, seen int)")
    database.sql("insert into item values (1, 'a', 0)")
    start_worker("--snapshot", "none", "--ignore-column", "public.item.seen").wait_ready()
    [(moment,)] = database.sql("select clock_timestamp()::text")
    database.sql("update item set seen = 7")
    sync(database.url)
    env = {"BEMI_SOURCE_URL": database.url, "BEMI_IGNORE_COLUMN": "public.item.seen"}
    done = bemi("as-of", moment, "item", "--format", "csv", env=env)
    [row] = csv.DictReader(io.StringIO(done.stdout, newline=""))
    assert row["fidelity"] == '{"seen": "assumed"}' and "not plainly known" in done.stderr
    redacting = {**env, "BEMI_REDACT_COLUMN": "public.item.name"}
    assert '"a"' not in bemi("as-of", moment, "item", "--format", "csv", env=redacting).stdout


def test_the_plan_is_told(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key, name text); insert into item values (1, 'a')")
    start_worker("--snapshot", "none").wait_ready()
    database.sql("insert into item values (2, 'b')")
    [(moment,)] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    database.sql("insert into item values (3, 'c')")
    env = {"BEMI_SOURCE_URL": database.url}
    said = bemi("as-of", moment, "item", "--explain", env=env).stdout.splitlines()
    assert said[0].startswith("forward: not all rows of public.item are known")
    assert said[1].startswith("back from the live table, cost ")
    assert said[2:] == ["taken: back from the live table"]
    assert bemi("as-of", moment, "item", "--format", "json", env=env).stdout.splitlines() == [
        '{"id": 1, "name": "a"}',
        '{"id": 2, "name": "b"}',
    ]
    # Without the source stored data alone is asked, and says what it lacks.
    alone = bemi("as-of", moment, "item", env={"BEMI_DESTINATION_URL": database.url}, check=False)
    assert alone.returncode == 1 and "that have not changed since" in alone.stderr
    database.sql("truncate item")
    sync(database.url)
    emptied = bemi("as-of", moment, "item", env=env, check=False)
    assert emptied.returncode == 1 and "was emptied at" in emptied.stderr
