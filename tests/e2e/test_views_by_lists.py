"""In a history of many partitions, the views of the past ask the lists of keys: they show what the source had, whole
and key by key, and a key opens only the partitions that may have it."""

from __future__ import annotations

from contextlib import closing

import psycopg

from e2e import test_passing_keys as passing
from e2e.many_partitions import cut, list_all_but, opened, partitions_with
from e2e.oracle import now_of, sync
from e2e.random_past import SCHEMA, Moment, Table, Work, catalog, quoted
from e2e.test_differences import some_work
from e2e.test_every_door import by_functions, by_views
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed

PIECES = 120
# More than a view looks up one by one.
MORE = "insert into item select i, 'one of many', null, i, null from generate_series(1001, 1300) i;"
HOW = "select distinct made_with like '% by lists' from _bemi.view where key_types <> '{}'"


def spread(database: Database) -> None:
    cut(database, PIECES)
    list_all_but(database, 3)
    database.sql("select bemi.refresh_time_travel(false)")
    assert database.sql(HOW) == [(True,)]


def by_key(connection: psycopg.Connection, moment: Moment, today: dict[int, Table]) -> int:
    """Row by row, of tables whose key is the same as then; tells how many were found."""
    found = 0
    for oid, now in today.items():
        then = moment.tables.get(oid)
        if then is None or then.uncertain or not now.key or then.key != now.key:
            continue
        schema = "time_travel" if now.schema == "public" else f"time_travel_{now.schema}"
        columns = ", ".join(f"{quoted(name)}::text" for name in now.columns.values())
        wanted = " and ".join(f"{quoted(now.columns[number])} = %s" for number in now.key)
        query = f"select {columns} from {quoted(schema)}.{quoted(now.name)} where {wanted}".encode()
        keys = [[row[number] for number in now.key] for row in then.rows[:7]]
        keys += [[row[number] for number in now.key] for row in now.rows[:3]]
        with connection.transaction():
            connection.execute("select set_config('bemi.as_of', %s, true)", (moment.at,))
            for key in keys:
                try:
                    rows = connection.execute(query, key).fetchall()
                except psycopg.errors.ObjectNotInPrerequisiteState:
                    break  # `by_views` has looked at the reason
                expected = [
                    values
                    for row, values in zip(then.rows, as_of_today_in_order(then, now), strict=True)
                    if [row[number] for number in now.key] == key
                ]
                assert rows == expected, (now.quoted, moment.at, key)
                found += len(rows)
    return found


def as_of_today_in_order(then: Table, today: Table) -> list[tuple[str | None, ...]]:
    return [tuple(row.get(number) for number in today.columns) for row in then.rows]


@oldest_and_newest
def test_views_that_ask_lists_show_what_the_source_had(database: Database, start_worker: StartWorker) -> None:
    database.sql(SCHEMA + MORE)
    worker = start_worker("--heartbeat-interval", "1").wait_ready()
    with closing(Work(database.url, printed_seed())) as work:
        work.remember()
        some_work(database, work, 8)
        checkpoint = work.moments[-1]
        some_work(database, work, 4)
        sync(database.url)
        worker.terminate()
        spread(database)
        with psycopg.connect(database.url, options="-c TimeZone=UTC", autocommit=True) as connection:
            today = {table.oid: table for table in catalog(connection)}
            for moment in work.moments:
                by_views(connection, moment, today)
            assert sum(by_key(connection, moment, today) for moment in work.moments[::2]) > 50
            # Lists are taken back by the rows of a checkpoint.
            connection.execute("select _bemi.checkpoint(%s)", (checkpoint.at,))
            for moment in work.moments[::3]:
                by_functions(connection, moment)
                by_views(connection, moment, today)
                by_key(connection, moment, today)


@oldest_and_newest
def test_keys_that_pass_from_row_to_row_have_their_holders(
    database: Database, start_worker: StartWorker
) -> None:
    work = passing.Work(database.url, printed_seed())
    work.connection.execute(passing.SCHEMA.encode())
    worker = start_worker().wait_ready()
    work.remember()
    for _ in range(12):
        work.transact()
        work.remember()
    now_of(database.url)
    worker.terminate()
    spread(database)
    with psycopg.connect(database.url, autocommit=True, options="-c TimeZone=UTC") as connection:
        for moment in work.moments:
            passing.check_views(connection, moment)
    work.connection.close()


@oldest_and_newest
def test_a_key_opens_only_the_partitions_that_may_have_it(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(SCHEMA + MORE)
    worker = start_worker().wait_ready()
    for n in range(40):
        database.sql(f"update item set name = 'n{n}' where id in ({n % 5 + 1}, 1007)")
    moment = now_of(database.url)
    worker.terminate()
    list_of_one = "select id, name from time_travel.item where id = %s"
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
        cut(database, PIECES)
        database.sql("select bemi.refresh_time_travel(false)")
        assert len(opened(connection, list_of_one, 1008)) >= PIECES, "without lists, all are opened"
        list_all_but(database, 3)
        database.sql("select bemi.refresh_time_travel(false)")
        last = {f"changes_piece_{n}" for n in range(PIECES - 2, PIECES + 1)}
        for key in (3, 1007, 1008):
            mine = partitions_with(database, "primary_key = %s and \"table\" = 'item'", str(key))
            assert opened(connection, list_of_one, key) <= mine | last, key
            [(_, name)] = connection.execute(list_of_one.encode(), (key,)).fetchall()
            [(expected,)] = connection.execute(
                "select after ->> 'name' from changes where \"table\" = 'item' and primary_key = %s"
                " order by effective_at desc, commit_position desc, sequence desc limit 1",
                (str(key),),
            ).fetchall()
            assert name == expected
        # Where maintenance has stopped to list them, the views read all at once again.
        database.sql("delete from _bemi.listed_window")
        database.sql("select bemi.refresh_time_travel(false)")
        assert database.sql(HOW) == [(False,)]


@oldest_and_newest
def test_a_view_upon_a_view_of_the_past_stays(database: Database, start_worker: StartWorker) -> None:
    """And a reader of the history, who may not read the table of keys, can ask."""
    database.sql(SCHEMA + MORE)
    worker = start_worker().wait_ready()
    moment = now_of(database.url)
    worker.terminate()
    database.sql("create view named as select id, name from time_travel.item where name is not null")
    role = f"looker_{database.name}"
    database.sql(f'create role "{role}" login')
    database.sql("select _bemi.grant_rights('reader', %s)", role)
    spread(database)
    with psycopg.connect(database.url.replace("postgres@", f"{role}@", 1), autocommit=True) as connection:
        connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
        assert connection.execute("select name from time_travel.item where id = 1300").fetchall() == [
            ("one of many",)
        ]
        assert connection.execute("select count(*) from time_travel.item").fetchall() == [(305,)]
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
        assert connection.execute("select count(*) from named").fetchall() == [(305,)]
    # A dump makes views before indexes.
    on_indexes = (
        "select count(*) from pg_depend d join pg_class c on c.oid = d.refobjid and c.relkind = 'i'"
        " where d.classid = 'pg_rewrite'::regclass"
    )
    assert database.sql(on_indexes) == [(0,)]
    database.sql(f'drop owned by "{role}"; drop role "{role}"')
