"""The difference of two times: read from the changes between them where these tell it, and the same as by two whole
tables. What was there is told by the source server, each table in a transaction between two commits."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg

from e2e import test_passing_keys as passing
from e2e.oracle import sync
from e2e.random_past import SCHEMA, Moment, Table, Work
from e2e.test_every_door import NOT_KNOWN, wait_until_all_is_known
from support.bemi import Worker, bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

Rows = list[tuple[object, ...]]

DIFFERENCE = """
select primary_key, operation, before::text, after::text, changed::text
from bemi.diff(%(table)s, %(from)s::timestamptz, %(to)s::timestamptz, %(source)s, %(partial)s)
"""
# As it was asked before: the rows of two whole tables, joined.
WHOLE = """
with a as (
  select r.*, coalesce(r.primary_key, concat(r."row", r.exact, row_number() over (
    partition by r.primary_key, r."row"::text, r.exact))) as name
  from bemi.rows_as_of(%(table)s, %(from)s::timestamptz, %(source)s, %(partial)s) r
), b as (
  select r.*, coalesce(r.primary_key, concat(r."row", r.exact, row_number() over (
    partition by r.primary_key, r."row"::text, r.exact))) as name
  from bemi.rows_as_of(%(table)s, %(to)s::timestamptz, %(source)s, %(partial)s) r
)
select coalesce(a.primary_key, b.primary_key),
       case when a."row" is null then 'CREATE' when b."row" is null then 'DELETE' else 'UPDATE' end,
       coalesce(a."row", '{}')::text, coalesce(b."row", '{}')::text,
       _bemi.difference(coalesce(a."row", '{}'), coalesce(b."row", '{}'))::text
from a full join b using (name) where (a."row"::text, a.exact) is distinct from (b."row"::text, b.exact)
"""
BY_CHANGES = """
select _bemi.is_diff_by_changes(_bemi.find_place(%(table)s, %(from)s::timestamptz, %(source)s, %(partial)s, false),
                                _bemi.find_place(%(table)s, %(to)s::timestamptz, %(source)s, %(partial)s, false))
"""


class Differences:
    """Asks in two ways, and counts how often changes alone told the answer."""

    def __init__(self, url: str, source: str | None = None) -> None:
        self.connection = psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC")
        self.source = source
        self.by_changes: Counter[bool] = Counter()

    def close(self) -> None:
        self.connection.close()

    def rows(self, query: str, table: str, first: str, second: str, partial: bool) -> Rows | str:
        values = {"table": table, "from": first, "to": second, "source": self.source, "partial": partial}
        try:
            found: Rows = self.connection.execute(query.encode(), values).fetchall()
        except psycopg.Error as refused:
            return str(refused).split("\n", maxsplit=1)[0]
        return found if query == BY_CHANGES else sorted(found, key=str)

    def check(self, table: str, first: str, second: str) -> Rows | str:
        for partial in (True, False):
            told, whole = (self.rows(query, table, first, second, partial) for query in (DIFFERENCE, WHOLE))
            assert told == whole, (table, first, second, partial)
            way = self.rows(BY_CHANGES, table, first, second, partial)
            self.by_changes[way == [(True,)]] += 1
        return told


def leads_from(first: Counter[str], told: Rows) -> Counter[str]:
    rows = first.copy()
    for _, _, before, after, _ in told:
        rows.subtract([str(before)] if before != "{}" else [])
        rows.update([str(after)] if after != "{}" else [])
    assert all(count >= 0 for count in rows.values())
    return +rows


def check_pair(differences: Differences, first: Moment, second: Moment) -> None:
    for oid in first.tables.keys() & second.tables.keys():
        was, became = first.tables[oid], second.tables[oid]
        if was.quoted != became.quoted or is_another(second, was):
            continue
        told = differences.check(was.quoted, first.at, second.at)
        if isinstance(told, str):
            assert was.uncertain or became.uncertain, told
            assert any(reason in told for reason in NOT_KNOWN), told
        elif not became.uncertain and not was.uncertain:
            assert leads_from(was.json_rows, told) == became.json_rows, (was.quoted, first.at, second.at)


def is_another(moment: Moment, table: Table) -> bool:
    return any(t.quoted == table.quoted and t.oid != table.oid for t in moment.tables.values())


def some_work(database: Database, work: Work, rounds: int) -> None:
    for _ in range(rounds):
        for _ in range(work.random.randint(1, 4)):
            work.transact()
            work.remember()
        work.begin_slowly()
        work.remember()
        if work.random.random() < 0.4 and work.alter():
            work.uncertain = True
            work.remember()
            wait_until_all_is_known(database, work)
            work.uncertain = False
        work.remember()
    work.end_slowly()
    wait_until_all_is_known(database, work)


@oldest_and_newest
def test_changes_tell_what_two_whole_tables_would(database: Database, start_worker: StartWorker) -> None:
    seed = printed_seed()
    database.sql(SCHEMA)
    start_worker("--heartbeat-interval", "1").wait_ready()
    with closing(Work(database.url, seed)) as work, closing(Differences(database.url)) as differences:
        work.remember()
        some_work(database, work, 12)
        checkpoint = work.moments[-1]
        some_work(database, work, 4)
        differences.connection.execute("select _bemi.checkpoint(%s)", (checkpoint.at,))
        neighbours = list(itertools.pairwise(work.moments))
        pairs = [sorted(work.random.sample(range(len(work.moments)), 2)) for _ in range(20)]
        for first, second in neighbours + [(work.moments[a], work.moments[b]) for a, b in pairs]:
            check_pair(differences, first, second)
        backwards, first = work.moments[-1], work.moments[-4]
        differences.check("app.item", backwards.at, first.at)
        print("by changes", differences.by_changes)
        assert differences.by_changes[True] > 30
        assert differences.by_changes[False] > 30


@oldest_and_newest
def test_keys_that_pass_from_row_to_row(database: Database, start_worker: StartWorker) -> None:
    with closing(Differences(database.url)) as differences:
        work = passing.Work(database.url, printed_seed())
        work.connection.execute(passing.SCHEMA.encode())
        start_worker().wait_ready()
        work.remember()
        for _ in range(15):
            work.transact()
            work.remember()
        sync(database.url)
        pairs = [sorted(work.random.sample(range(15), 2)) for _ in range(10)]
        for a, b in [*itertools.pairwise(range(15)), *pairs]:
            first, second = work.moments[a], work.moments[b]
            for table in passing.TABLES:
                told = differences.check(table, first.at, second.at)
                assert not isinstance(told, str), told
                expected = Counter(second.rows[table])
                assert leads_from(Counter(first.rows[table]), told) == expected
        assert differences.by_changes[True] > 50
        work.connection.close()


@contextmanager
def sources(database: Database, *names: str) -> Iterator[dict[str, str]]:
    urls = {
        f"{database.name}_{name}": database.server.create_database(f"{database.name}_{name}")
        for name in names
    }
    try:
        yield urls
    finally:
        for name in urls:
            database.server.drop_database(name)


def test_each_source_and_each_side_of_a_gap_has_its_own(
    database: Database, start_worker: StartWorker
) -> None:
    with sources(database, "one", "two") as urls:
        moments: dict[str, list[str]] = {}
        for source, url in urls.items():
            moments[source] = work_around_a_gap(database, start_worker, url, source)
        for source in urls:
            with closing(Differences(database.url, source)) as differences:
                for first, second in itertools.product(moments[source], repeat=2):
                    differences.check("t", first, second)
                print(differences.by_changes)
                assert differences.by_changes[True] > 10
                assert differences.by_changes[False] > 5


def work_around_a_gap(database: Database, start_worker: StartWorker, url: str, source: str) -> list[str]:
    moments = []
    with psycopg.connect(url, autocommit=True) as connection:

        def do(*statements: str) -> None:
            for statement in statements:
                connection.execute(statement.format(f"'{source}'").encode())
                [(at,)] = connection.execute("select clock_timestamp()::text").fetchall()
                moments.append(at)

        def start() -> Worker:
            env = {"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": database.url}
            return start_worker(env=env).wait_ready()

        do(
            "create table t (id int primary key, v text)",
            "insert into t select i, {0} from generate_series(1, 4) i",
        )
        worker = start()
        do("update t set v = v || 1 where id < 3", "update t set id = id + 10 where id = 1")
        do("delete from t where id = 2", "insert into t values (2, {0} || 'again')")
        do("begin; delete from t where id = 3; insert into t values (3, 'at once'); commit")
        sync(url, database.url)
        worker.terminate()
        database.server.drop_slot(f"bemi_{source}")
        do("update t set v = 'lost'")
        bemi("init", "--accept-gap", env={"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": database.url})
        worker = start()
        do("update t set v = {0} || 'after' where id = 3", "delete from t where id = 11")
        do(
            "alter table t rename to u",
            "alter table u rename to t",
            "update t set v = 'renamed' where id = 3",
        )
        do(
            "alter table t add column more int",
            "update t set more = 2",
            "truncate t",
            "insert into t values (1, 'x')",
        )
        do("update t set v = 'y'")
        sync(url, database.url)
        worker.terminate()
    return moments
