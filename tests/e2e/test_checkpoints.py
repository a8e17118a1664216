"""Checkpoints: later questions start from one, so that older partitions can go."""

from __future__ import annotations

from contextlib import closing

import psycopg
import pytest

from e2e.many_partitions import cut, opened
from e2e.oracle import now_of
from e2e.random_past import SCHEMA, Moment, Table, Work, catalog, quoted
from e2e.test_every_door import by_copy, by_functions, by_views, wait_until_all_is_known
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.seeds import printed_seed


def work_on(work: Work, rounds: int) -> None:
    for _ in range(rounds):
        for _ in range(3):
            work.transact()
        work.alter_plainly()
        work.remember()


@oldest_and_newest
def test_questions_about_dropped_partitions_are_refused_and_others_stay_right(
    database: Database, start_worker: StartWorker
) -> None:
    seed = printed_seed()
    database.sql(SCHEMA)
    start_worker("--heartbeat-interval", "1").wait_ready()
    with closing(Work(database.url, seed)) as work:
        boundaries: list[int] = []
        for _ in range(3):
            work_on(work, 6)
            boundaries.append(len(work.moments) - 1)
            work_on(work, 2)
        wait_until_all_is_known(database, work)
        with psycopg.connect(database.url, options="-c TimeZone=UTC", autocommit=True) as connection:
            today = {table.oid: table for table in catalog(connection)}
            everything_is_right(connection, work.moments, today)
            # One that only makes questions cheap.
            write_checkpoint(connection, work.moments[boundaries[0]])
            assert write_checkpoint(connection, work.moments[boundaries[0]]) == 0
            everything_is_right(connection, work.moments, today)
            histories_know_no_checkpoints(connection)
            for boundary in boundaries[1:]:
                moment = work.moments[boundary]
                assert write_checkpoint(connection, moment, forget=True) > 0
                everything_is_right(connection, work.moments[boundary:], today)
                # As a partition that is dropped: what is left starts from the checkpoint.
                connection.execute("delete from changes where effective_at < %s", (moment.at,))
                connection.execute("select bemi.refresh_time_travel()")
                everything_is_right(connection, work.moments[boundary:], today)
                for earlier in work.moments[:boundary]:
                    with pytest.raises(psycopg.Error, match="begins at"):
                        connection.execute("select * from bemi.rows_as_of('app.item', %s)", (earlier.at,))
            # And goes on.
            work_on(work, 2)
            wait_until_all_is_known(database, work)
            today = {table.oid: table for table in catalog(connection)}
            connection.execute("select bemi.refresh_time_travel()")
            everything_is_right(connection, work.moments[boundaries[-1] :], today)
        by_copy(database, work.moments[boundaries[-1]])


def write_checkpoint(connection: psycopg.Connection, moment: Moment, forget: bool = False) -> int:
    [[rows]] = connection.execute("select _bemi.checkpoint(%s, %s)", (moment.at, forget)).fetchall()
    return int(rows)


def everything_is_right(
    connection: psycopg.Connection, moments: list[Moment], today: dict[int, Table]
) -> None:
    for moment in moments:
        by_functions(connection, moment)
        by_views(connection, moment, today)


def histories_know_no_checkpoints(connection: psycopg.Connection) -> None:
    repeated = (
        'select distinct c.schema, c."table", c.primary_key from changes c join _bemi.coverage k'
        " on k.checkpoint and k.position = c.commit_position where c.primary_key is not null"
    )
    keys = connection.execute(repeated).fetchall()
    assert keys
    for schema, table, key in keys:
        versions = connection.execute(
            "select operation from bemi.history(%s, %s) order by version",
            (f"{quoted(schema)}.{quoted(table)}", key),
        ).fetchall()
        assert ("SNAPSHOT",) not in versions[1:], (schema, table, key, versions)


@oldest_and_newest
def test_a_whole_table_opens_only_the_partitions_since_its_checkpoint(
    database: Database, start_worker: StartWorker
) -> None:
    """Whether its changes are read, its keys are looked up, or its rows are counted by their content."""
    database.sql(
        "create table item (id int primary key, v int); create table busy (id int primary key, v int);"
        "create table loose (v int); alter table loose replica identity full; insert into busy values (1, 0)"
    )
    worker = start_worker().wait_ready()
    tables = {"item": "forward over all", "busy": "one probe of the index", "loose": "by content"}
    for n in range(60):
        database.sql(
            f"insert into item values ({n}, {n}); insert into loose values ({n});"
            f"update busy set v = {n}; update busy set v = -v"
        )
    moment = now_of(database.url)
    worker.terminate()
    cut(database, 20)
    database.sql("select _bemi.checkpoint(to_time) from _bemi.window where name = 'changes_piece_12'")
    rows = 'select "row" from bemi.rows_as_of(%s, %s) order by ("row" ->> \'v\')::int'
    with psycopg.connect(database.url, autocommit=True) as connection:
        for table, way in tables.items():
            [_, (said,)] = connection.execute("select bemi.explain_as_of(%s, %s)", (table, moment)).fetchall()
            assert way in said
            later = {f"changes_piece_{n}" for n in range(13, 21)}
            assert opened(connection, rows, table, moment) == later, table
            live = f"select to_jsonb(t) from {table} t order by v".encode()
            found = connection.execute(rows.encode(), (table, moment)).fetchall()
            assert found == connection.execute(live).fetchall(), table
        # Before it, all up to the time.
        [(at,)] = database.sql("select to_time from _bemi.window where name = 'changes_piece_4'")
        earlier = {f"changes_piece_{n}" for n in range(1, 6)}
        for table in tables:
            assert opened(connection, rows, table, at) <= earlier, table
