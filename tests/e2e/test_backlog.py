"""Where changes pile up, several connections store side by side. Whatever happens to one of them, what is
stored is at all times everything up to one position, once, in order."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from e2e.oracle import assert_no_doubles, history, live_rows, replayed_rows, sync
from support.bemi import Worker
from support.clock import at
from support.postgres import Server, available
from support.seeds import printed_seed
from support.waiting import wait_until

OLDEST_AND_NEWEST = [available()[0], available()[-1]]
SCHEMA = """
create table item (id int primary key, name text, n int);
create table note (id int primary key, words text, large text);
alter table item replica identity full;
alter table note alter large set storage external;
"""
# Transactions of any size; notes are known by their key alone, so that what they were must be looked up.
WORK = """
create procedure work(transactions int, seed float8) language plpgsql as $$
declare size int; last int := 0;
begin
  perform setseed(seed);
  for t in 1 .. transactions loop
    size := case when random() < 0.9 then 1 + random() * 20 else 1 + random() * 2000 end;
    perform pg_logical_emit_message(true, '_bemi', json_build_object('transaction', t)::text);
    insert into item select i, repeat('x', 200), 0 from generate_series(last + 1, last + size) i;
    update item set n = n + 1 where id between last - 10 and last + 5;
    delete from item where id = last + 1;
    if random() < 0.1 then
      insert into note values (t, 'new', repeat('l', 3000));
      update note set words = words || '.' where id between t - 100 and t;
    end if;
    last := last + size;
    commit;
  end loop;
end $$
"""
STATE = """
select s.changes - (select count(*) from changes), s.position - '0/0' - coalesce(
         (select max(commit_position) from changes), 0),
       (select count(*) from pg_stat_activity where application_name = 'bemi/store-2')
from _bemi.source s
"""

# An owner's own trigger, whose lock the second connection has first while the first one commits before it.
TALLY = """
create table tally (changes bigint);
insert into tally select count(*) from changes;
create function count_changes() returns trigger language plpgsql as $$
begin
  if current_setting('application_name') = 'bemi/store'
     and exists (select from pg_stat_activity where application_name = 'bemi/store-2') then
    perform pg_sleep(2);
  end if;
  update public.tally set changes = changes + (select count(*) from fresh);
  return null;
end $$;
create trigger tally after insert on changes referencing new table as fresh
for each statement execute function count_changes();
"""


class Backlog:
    def __init__(self, source: Server, destination: Server, home: Path) -> None:
        self.source, self.destination, self.home = source, destination, home
        self.workers = 0

    @property
    def env(self) -> dict[str, str]:
        return {
            "BEMI_SOURCE_URL": self.source.url("app"),
            "BEMI_DESTINATION_URL": self.destination.url("history"),
            "BEMI_REPLICA_IDENTITY": "keep",
        }

    def do(self, statement: str, *params: object) -> None:
        self.source.sql(statement, *params, dbname="app")

    def sql(self, statement: str, *params: object) -> list[tuple[object, ...]]:
        return self.destination.sql(statement, *params, dbname="history")

    def start(self) -> Worker:
        self.workers += 1
        return Worker.start(env=self.env, log_file=self.home / f"worker-{self.workers}.log")

    def pile_up(self, transactions: int, seed: int) -> None:
        with self.start() as worker:
            worker.wait_ready()
            self.sync()
        self.do("call work(%s, %s::float8)", transactions, seed % 1000 / 1000)

    def sync(self) -> None:
        sync(self.source.url("app"), self.destination.url("history"), seconds=120)

    def check(self) -> None:
        """The history, against the tables."""
        url = self.destination.url("history")
        changes = history(url)
        assert_no_doubles(url)
        for table in ("item", "note"):
            assert replayed_rows(changes, table) == live_rows(self.source.url("app"), table)
        assert all(change["context"] for change in changes)
        committed = [change["effective_at"] for change in changes]
        assert committed == sorted(committed)


@pytest.fixture(params=OLDEST_AND_NEWEST)
def backlog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backlog]:
    with Server.start(request.param) as source, Server.start(request.param) as destination:
        source.create_database("app")
        destination.create_database("history")
        one = Backlog(source, destination, tmp_path)
        one.do(SCHEMA)
        one.do(WORK)
        yield one


class Watcher(threading.Thread):
    """Looks into the history while it grows: is it everything up to its position?"""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url, self.stopping, self.looks, self.side_by_side = url, False, 0, 0
        self.wrong: list[tuple[object, ...]] = []
        self.start()

    def run(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            while not self.stopping:
                missing, behind, others = connection.execute(STATE).fetchone() or (0, 0, 0)
                connection.rollback()
                time.sleep(0.05)
                self.looks += 1
                self.side_by_side += others
                if missing != 0 or behind < 0:
                    self.wrong.append((missing, behind))

    def end(self) -> None:
        self.stopping = True
        self.join()
        assert self.looks > 3 and self.wrong == []


def test_a_backlog_is_stored_side_by_side_and_in_order(backlog: Backlog) -> None:
    seed = printed_seed()
    backlog.pile_up(900, seed)
    watcher = Watcher(backlog.destination.url("history"))
    with backlog.start() as worker:
        backlog.sync()
        watcher.end()
        assert watcher.side_by_side > 0, "a second connection was never there"
        assert worker.rss_peak_kb() < 64 * 1024
    backlog.check()


def test_faults_while_a_backlog_is_stored(backlog: Backlog) -> None:
    seed = printed_seed()
    rng = random.Random(seed)
    backlog.pile_up(900, seed)
    watcher = Watcher(backlog.destination.url("history"))
    worker = backlog.start()
    end = time.monotonic() + 8
    while time.monotonic() < end:
        time.sleep(rng.uniform(0.05, 0.8))
        fault = rng.choice(["first", "second", "second", "worker", "lock"])
        if fault == "worker":
            worker.kill9()
            worker = backlog.start()
        elif fault == "lock":
            backlog.sql("begin; lock table changes in share mode; select pg_sleep(0.2); commit")
        else:
            name = {"first": "bemi/store", "second": "bemi/store-2"}[fault]
            backlog.sql(
                "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s", name
            )
    with worker:
        backlog.sync()
        watcher.end()
    backlog.check()


def test_a_refused_row_and_a_new_month_in_a_backlog(backlog: Backlog) -> None:
    """The one is parked, the other is made; all else is stored as ever."""
    backlog.pile_up(400, 1)
    backlog.source.stop()
    backlog.source.env = at("+40d")
    backlog.source.launch()
    backlog.do("insert into item values (-13, 'refused', 0)")
    backlog.do(
        "update item set name = repeat('y', 300), n = n + 1 where id in (select 2 * i from generate_series(1, 20000) i)"
    )
    backlog.do("update item set n = n + 1 where id between 1 and 2000")
    backlog.sql("alter table changes add constraint refuses check (primary_key is distinct from '-13')")
    with backlog.start():
        wait_until(lambda: backlog.sql("select 1 from _bemi.parked"), "the row is parked")
        backlog.sync()
        [[parked]] = backlog.sql("select count(*) from _bemi.parked")
        assert parked == 1
        backlog.do("delete from item where id = -13")
        backlog.sync()
    changes = [
        change for change in history(backlog.destination.url("history")) if change["primary_key"] != "-13"
    ]
    assert replayed_rows(changes, "item") == live_rows(backlog.source.url("app"), "item")
    [[windows]] = backlog.sql("select count(distinct tableoid) from changes")
    assert windows == 2


def test_one_connection_where_that_is_wanted(backlog: Backlog) -> None:
    backlog.pile_up(600, 3)
    watcher = Watcher(backlog.destination.url("history"))
    with Worker.start("--store-connections", "1", env=backlog.env) as worker:
        backlog.sync()
        watcher.end()
        assert watcher.side_by_side == 0 and worker.is_running
    backlog.check()


@pytest.mark.parametrize("backlog", OLDEST_AND_NEWEST[-1:], indirect=True)
def test_connections_that_wait_for_each_other_give_way_to_one(backlog: Backlog) -> None:
    """The server sees no circle: one of its sessions waits for the worker, which waits for the other."""
    backlog.pile_up(900, 4)
    backlog.sql(TALLY)
    watcher = Watcher(backlog.destination.url("history"))
    with backlog.start() as worker:
        worker.wait_for_line("waits for another for too long", timeout=90)
        backlog.sync()
        watcher.end()
        assert watcher.side_by_side > 0
    backlog.check()
    [[tally]] = backlog.sql("select changes - (select count(*) from changes) from tally")
    assert tally == 0
