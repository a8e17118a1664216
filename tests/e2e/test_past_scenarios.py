"""What people know to go wrong when the past is asked for, one thing at a time; random work is elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass

import psycopg
import pytest

from e2e.oracle import known_rows, now_of, sync
from support.bemi import bemi
from support.clock import at
from support.fixtures import Database, StartWorker
from support.postgres import Server, available
from support.waiting import wait_until

oldest_and_newest = pytest.mark.parametrize("server", [14, 18], indirect=True, ids=["pg14", "pg18"])


@dataclass
class Tracked:
    database: Database

    def do(self, statement: str) -> str:
        """A moment right after it."""
        self.database.sql(statement)
        return now_of(self.database.url)

    def lsn(self) -> str:
        return str(self.database.sql("select pg_current_wal_insert_lsn()")[0][0])

    def rows(self, moment: str, table: str) -> list[dict[str, object]]:
        """By the command line and by SQL, which must agree."""
        said = bemi(
            "as-of", moment, table, "--format", "json", env={"BEMI_DESTINATION_URL": self.database.url}
        )
        rows = [json.loads(line) for line in said.stdout.splitlines()]
        by_sql = self.database.sql(
            'select "row" from bemi.rows_as_of(%s, bemi.moment(%s)) order by length(primary_key), primary_key',
            table,
            moment,
        )
        assert rows == [row for (row,) in by_sql]
        return rows

    def refusal(self, moment: str, table: str) -> str:
        done = bemi("as-of", moment, table, env={"BEMI_DESTINATION_URL": self.database.url}, check=False)
        assert done.returncode == 1, done.stdout
        return done.stderr


@pytest.fixture
def tracked(database: Database, start_worker: StartWorker) -> Tracked:
    database.sql("create table item (id int primary key, name text); insert into item values (1, 'a')")
    start_worker("--heartbeat-interval", "1").wait_ready()
    return Tracked(database)


@oldest_and_newest
def test_rows_have_the_columns_of_their_time(tracked: Tracked) -> None:
    first = now_of(tracked.database.url)
    second = tracked.do("alter table item add column n int default 7; update item set n = 8")
    third = tracked.do("alter table item rename column name to title")
    rewritten = tracked.do("alter table item alter n type text")
    fourth = tracked.do("alter table item drop column n; update item set title = 'b'")
    assert tracked.rows(first, "item") == [{"id": 1, "name": "a"}]
    assert tracked.rows(second, "item") == [{"id": 1, "name": "a", "n": 8}]
    assert tracked.rows(third, "item") == [{"id": 1, "title": "a", "n": 8}]
    # What a rewrite made of the rows is in no WAL: it is said, until they are read anew.
    for moment in (rewritten, fourth):
        if rows := known_rows(tracked.database.url, moment, "item"):
            assert [json.loads(row) for row in rows] in (
                [{"id": 1, "title": "a", "n": "8"}],
                [{"id": 1, "title": "b"}],
            )
    wait_until(
        lambda: known_rows(tracked.database.url, now_of(tracked.database.url), "item"), "it is read anew"
    )
    assert tracked.rows(now_of(tracked.database.url), "item") == [{"id": 1, "title": "b"}]


@oldest_and_newest
def test_a_shape_that_changed_amid_a_transaction(tracked: Tracked) -> None:
    before = now_of(tracked.database.url)
    after = tracked.do(
        "begin; insert into item values (2, 'old'); alter table item add column n int;"
        " update item set n = 1 where id = 2; insert into item values (3, 'new', 2); commit"
    )
    assert tracked.rows(before, "item") == [{"id": 1, "name": "a"}]
    assert tracked.rows(after, "item") == [
        {"id": 1, "name": "a", "n": None},
        {"id": 2, "name": "old", "n": 1},
        {"id": 3, "name": "new", "n": 2},
    ]


def test_commit_order_counts_and_no_clock(start_worker: StartWorker) -> None:
    """The source's clock goes back by an hour; what was committed then still comes later."""
    major = available()[-1]
    with Server.start(major) as source, Server.start(major) as destination:
        url, history = source.create_database("app"), destination.create_database("history")
        source.sql("create table item (id int primary key, name text)", dbname="app")
        env = {"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": history}
        start_worker("--heartbeat-interval", "1", env=env).wait_ready()
        source.sql("insert into item values (1, 'before')", dbname="app")
        sync(url, history)
        source.stop()
        source.env = at("-1h")
        source.launch()
        source.sql("insert into item values (2, 'an hour earlier, and later')", dbname="app")
        sync(url, history)
        source.stop()
        source.env = {}
        source.launch()
        source.sql("insert into item values (3, 'now')", dbname="app")
        source.sql("insert into item values (4, 'last')", dbname="app")
        sync(url, history)
        commits = destination.sql(
            "select primary_key, committed_at < lag(committed_at) over w, effective_at::text,"
            " effective_at >= lag(effective_at) over w from changes where operation = 'CREATE'"
            " window w as (order by commit_position, sequence)",
            dbname="history",
        )
        assert [step_back for _, step_back, _, _ in commits] == [None, True, False, False]
        assert all(in_order is not False for _, _, _, in_order in commits)
        for key, _, moment, _ in commits[:-1]:
            rows = destination.sql(
                "select primary_key from bemi.rows_as_of('item', %s) order by 1", moment, dbname="history"
            )
            # Those of one time belong together: never the later one without the earlier.
            expected = max(str(other) for other, _, at_, _ in commits if at_ == moment)
            assert [k for (k,) in rows] == [str(n) for n in range(1, int(expected) + 1)], (key, moment)


@oldest_and_newest
def test_changes_are_invisible_before_their_commit(tracked: Tracked) -> None:
    with psycopg.connect(tracked.database.url) as slow:
        slow.execute("insert into item values (2, 'begun early')")
        amid, amid_lsn = tracked.do("insert into item values (3, 'quick')"), tracked.lsn()
        slow.commit()
    after = tracked.do("insert into item values (4, 'later')")
    for moment in (amid, amid_lsn):
        assert [row["id"] for row in tracked.rows(moment, "item")] == [1, 3]
    assert [row["id"] for row in tracked.rows(after, "item")] == [1, 2, 3, 4]


@oldest_and_newest
def test_references_hold_at_each_commit(tracked: Tracked) -> None:
    database = tracked.database
    database.sql(
        "create table parent (id int primary key);"
        " create table child (id int primary key, parent int not null references parent on delete cascade)"
    )
    now_of(database.url)
    for n in range(1, 7):
        database.sql(f"begin; insert into parent values ({n}); insert into child values ({n}, {n}); commit")
        database.sql(f"delete from parent where id = {n - 2}")
    now_of(database.url)
    moments = database.sql(
        "select distinct (commit_position + '0/0'::pg_lsn)::text, commit_position from changes"
        " where \"table\" in ('parent', 'child') and operation <> 'SCHEMA' order by 2"
    )
    assert len(moments) >= 10
    seen = set()
    for moment, _ in moments:
        parents = {row["id"] for row in tracked.rows(moment, "parent")}
        children = {row["parent"] for row in tracked.rows(moment, "child")}
        assert children == parents and len(parents) <= 3
        seen.add(frozenset(parents))
    assert len(seen) >= 8


@oldest_and_newest
def test_before_the_history_there_is_no_answer(tracked: Tracked) -> None:
    born = now_of(tracked.database.url)
    assert tracked.rows(born, "item") == [{"id": 1, "name": "a"}]  # of before tracking began
    assert "begins at" in tracked.refusal("2001-01-01", "item")
    [(since,)] = tracked.database.sql("select min(began_at) - interval '1 second' from _bemi.epoch")
    assert "begins at" in tracked.refusal(str(since), "item")


@oldest_and_newest
def test_links_come_and_go_and_the_untracked_are_named(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        "create table item (id int primary key, name text); create table tag (id int primary key, name text);"
        " create table item_tag (item int references item, tag int references tag, primary key (item, tag));"
        " create table secret (id int primary key, item int references item);"
        " insert into item values (1, 'a'); insert into tag values (1, 'x'), (2, 'y');"
        " insert into item_tag values (1, 1)"
    )
    start_worker("--exclude", "public.secret", "--heartbeat-interval", "1").wait_ready()
    tracked = Tracked(database)
    first = now_of(database.url)
    second = tracked.do("delete from item_tag; insert into item_tag values (1, 2)")
    assert tracked.rows(first, "item_tag") == [{"tag": 1, "item": 1}]
    assert tracked.rows(second, "item_tag") == [{"tag": 2, "item": 1}]
    database.sql("select bemi.refresh_time_travel()")
    with psycopg.connect(database.url) as connection:
        connection.execute("set search_path = time_travel")
        for moment, tag in ((first, "x"), (second, "y")):
            connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
            query = "select t.name from item_tag l join tag t on t.id = l.tag join item i on i.id = l.item"
            assert connection.execute(query).fetchall() == [(tag,)]
        for query in (
            "select * from secret",
            "select count(*) from secret where item = 1",
            "select * from item i join secret s on s.item = i.id",
            "select * from item i left join secret s on s.item = i.id and s.id is not null",
            "select * from item i where not exists (select from secret s where s.item = i.id)",
        ):
            with pytest.raises(psycopg.Error, match="secret is not tracked"), connection.transaction():
                connection.execute(query.encode())
