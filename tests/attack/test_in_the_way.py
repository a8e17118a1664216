"""What any role can put in Bemi's way: it holds up neither the worker, nor who prepares or maintains the history."""

from __future__ import annotations

from e2e.oracle import history, sync

from attack.conftest import NewRole
from attack.roles import Role
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest

pytestmark = oldest_and_newest

TABLE = "create table todo (id int primary key, task text)"

# Every number that a release of Bemi ever locked. Advisory locks are everybody's.
NUMBERS = """
select pg_try_advisory_lock(1650814313), pg_try_advisory_lock(1650814313, 1), pg_try_advisory_lock(1650814313, 4),
       pg_try_advisory_lock(1650814313, 7), pg_try_advisory_lock(1650814313, hashtext('_bemi.webhook')),
       pg_try_advisory_lock(1650814313, hashtext(current_database())),
       pg_try_advisory_lock(1650814314, hashtext(current_database()))"""

# The numbers that others hold now, and many of the same names, which are in pg_locks for everybody to see.
SEEN = """
select count(*) filter (where pg_try_advisory_lock(wanted.number)),
       count(*) filter (where pg_try_advisory_lock_shared(wanted.number))
from (select (l.classid::bigint << 32) | ((l.objid::bigint + i) & 4294967295) as number
      from pg_locks l cross join generate_series(0, 500) i
      where l.locktype = 'advisory' and l.objsubid = 1 and l.pid <> pg_backend_pid()) wanted"""


def test_no_lock_of_a_stranger_holds_up_the_worker(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    env = {"BEMI_SOURCE_URL": database.url}
    with new_role("nobody").connect() as squatter:
        squatter.execute(SEEN)
        worker.terminate()
        squatter.execute(NUMBERS)
        worker = start_worker().wait_ready()
        database.sql("insert into todo values (1, 'x')")
        sync(database.url)
        assert [row["primary_key"] for row in history(database.url, "operation = 'CREATE'")] == ["1"]
        # What a new release does, and each hour.
        database.sql("update _bemi.function_set set sha256 = ''")
        bemi("init", env=env)
        bemi("maintain", env=env)
        database.sql("select bemi.refresh_time_travel()")
        assert worker.is_running


def test_two_workers_still_keep_each_other_out(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    database.sql(TABLE)
    first = start_worker().wait_ready()
    with new_role("nobody").connect() as squatter:
        squatter.execute(NUMBERS)
        squatter.execute(SEEN)
        second = start_worker()
        second.wait_for_line("another worker is storing the source")
        database.sql("insert into todo values (1, 'x')")
        sync(database.url)
        first.kill9()
        second.wait_ready()
        database.sql("insert into todo values (2, 'y')")
        sync(database.url)
    assert [row["primary_key"] for row in history(database.url, "operation = 'CREATE'")] == ["1", "2"]


PARTITIONS = """
select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'changes'::regclass"""
DAYS = """
select to_char(d, '"changes_"YYYY_MM_DD')
from generate_series(now() - interval '2 days', now() + interval '4 days', '1 day') d"""


def squat(role: Role, names: list[str]) -> None:
    for name in names:
        role.sql(f"create table public.{name} (id int)")


def test_no_table_of_a_stranger_holds_up_the_history(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    """Up to PostgreSQL 14 everybody may create in the schema public, where the history's partitions are."""
    nobody = new_role("nobody")
    database.sql(f'grant create on schema public to "{nobody.name}"')
    database.sql(TABLE)
    start_worker("--partition", "day").wait_ready().terminate()
    made = [name for (name,) in database.sql(PARTITIONS)]
    # As if the days had passed: those that there are go, and theirs are taken.
    for name in made:
        database.sql(f"drop table {name}")
    squat(nobody, [name for (name,) in database.sql(DAYS)])
    worker = start_worker("--partition", "day").wait_ready()
    database.sql("insert into todo values (1, 'x')")
    sync(database.url)
    assert [row["primary_key"] for row in history(database.url, "operation = 'CREATE'")] == ["1"]
    found = {name for (name,) in database.sql(PARTITIONS)}
    assert found and all(name.startswith("changes_2") and name.count("_") == 4 for name in found)
    # They are the history's as all others are: not tracked, and there once.
    bemi("maintain", env={"BEMI_SOURCE_URL": database.url})
    database.sql("select _bemi.make_partition(now())")
    assert database.sql(
        "select count(*) from pg_publication_tables where tablename ~ '^changes_.*_.*_.*_'"
    ) == [(0,)]
    assert worker.is_running


def test_no_schema_of_a_stranger_holds_up_the_views(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    """Only the view that it stands in the way of is not made."""
    nobody = new_role("nobody")
    database.sql(f'grant create on database "{database.name}" to "{nobody.name}"')
    database.sql(TABLE)
    worker = start_worker().wait_ready()
    for name in ("shop", "bakery"):
        nobody.sql(f"create schema time_travel_{name}; create schema {name}")
        nobody.sql(f"create table {name}.t (id int primary key); create table time_travel_{name}.t (id int)")
        nobody.sql(f"grant usage on schema time_travel_{name} to public")
    database.sql("create table later (id int primary key); insert into later values (7)")
    sync(database.url)
    database.sql("select bemi.refresh_time_travel()")
    problems = dict(database.sql("select schema || '.' || \"table\", problem from bemi.time_travel_tables"))
    assert problems["public.todo"] is None and problems["public.later"] is None
    assert "the schema time_travel_shop belongs to" in problems["shop.t"], problems
    assert database.sql("select to_regclass('time_travel.later') is not null") == [(True,)]
    worker.terminate()
    worker = start_worker().wait_ready()
    assert worker.is_running
    assert nobody.sql("select count(*) from time_travel_shop.t") == [(0,)]
