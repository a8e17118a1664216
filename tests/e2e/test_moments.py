"""Moments that the history has not reached are refused through every door; one just reached is answered."""

from __future__ import annotations

import psycopg
import pytest

from e2e.oracle import sync
from support.bemi import bemi
from support.dashboard import TOKEN, Dashboard, environment
from support.fixtures import Database, StartWorker, oldest_and_newest

NOT_YET = "is known until"


def refused(database: Database, *arguments: str) -> str:
    done = bemi(*arguments, env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == 1 and done.stdout == "", (arguments, done.stdout, done.stderr)
    return done.stderr


@oldest_and_newest
@pytest.mark.parametrize("later", ["position", "far position", "time"])
def test_a_moment_that_the_history_has_not_reached_is_refused(
    database: Database, start_worker: StartWorker, later: str
) -> None:
    database.sql("create table t (id int primary key, v text); insert into t values (1, 'a')")
    worker = start_worker().wait_ready()
    sync(database.url)
    [(begun,)] = database.sql("select clock_timestamp()::text")
    sync(database.url)
    worker.terminate()
    database.sql("update t set v = 'LATER'")
    [(moment,)] = database.sql(
        {
            "position": "select pg_current_wal_lsn()::text",
            "far position": "select 'FFFFFFFF/FFFFFFFF'",
            "time": "select (clock_timestamp() + interval '1 second')::text",
        }[later]
    )
    for arguments in (
        ("as-of", moment, "t"),
        ("as-of", moment, "t", "1"),
        ("diff", "t", begun, moment),
        ("checkout", "--at", moment, "--into", "copied"),
    ):
        assert NOT_YET in refused(database, *arguments), arguments
    with psycopg.connect(database.url, autocommit=True) as connection:
        for query in (
            "select * from bemi.rows_as_of('t', bemi.moment(%s))",
            "select * from bemi.row_as_of('t', '1', bemi.moment(%s))",
            "select * from bemi.tables_at(bemi.moment(%s))",
        ):
            with pytest.raises(psycopg.Error, match=NOT_YET):
                connection.execute(query.encode(), (moment,))
        connection.execute("select set_config('bemi.as_of', %s, false)", (moment,))
        with pytest.raises(psycopg.Error, match=NOT_YET):
            connection.execute("select * from time_travel.t")
        connection.execute("set bemi.allow_stale = on")
        assert connection.execute("select v from time_travel.t").fetchall() == [("a",)]
    stale = bemi(
        "as-of", moment, "t", "--allow-stale", "--format", "json", env={"BEMI_SOURCE_URL": database.url}
    )
    assert stale.stdout == '{"v": "a", "id": 1}\n' or stale.stdout == '{"id": 1, "v": "a"}\n'


def test_the_api_refuses_what_has_not_arrived(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table t (id int primary key, v text); insert into t values (1, 'a')")
    worker = start_worker(env=environment(database.url)).wait_ready()
    sync(database.url)
    dashboard = Dashboard(worker, TOKEN)
    for moment in ("FFFFFFFF/FFFFFFFF", "2999-01-01"):
        answer = dashboard.client.get("/api/as-of", params={"table": "t", "at": moment})
        assert answer.status_code >= 400 and NOT_YET in answer.text, answer.text
    dashboard.client.close()


@oldest_and_newest
def test_a_mark_just_made_can_be_asked_for_at_once(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table t (id int primary key, v text); insert into t values (1, 'a')")
    start_worker("--heartbeat-interval", "300").wait_ready()
    env = {"BEMI_SOURCE_URL": database.url}
    for number in range(3):
        database.sql("update t set v = 'at ' || %s", str(number))
        bemi("mark", "create", f"m{number}", env=env)
        said = bemi("as-of", f"m{number}", "t", "--format", "json", env=env).stdout
        assert f"at {number}" in said
        bemi("checkout", "--at", f"m{number}", "--into", f"copy_{number}", env=env)
    assert database.sql("select v from copy_1.t") == [("at 1",)]
    said = bemi("diff", "t", "m0", "m2", "--format", "csv", env=env).stdout
    assert "at 0" in said and "at 2" in said


def test_a_word_that_is_neither_a_mark_nor_a_time_is_called_that(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql("create table t (id int primary key)")
    start_worker().wait_ready()
    sync(database.url)
    assert "there is no mark nightly, and that is not a time either" in refused(
        database, "as-of", "nightly", "t"
    )
    assert "there is no change of the transaction 99999" in refused(database, "as-of", "99999", "t")


def test_an_undo_up_to_a_time_to_come_is_refused(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table t (id int primary key)")
    start_worker().wait_ready()
    database.sql("insert into t values (1)")
    sync(database.url)
    for flag in ("--until", "--since"):
        assert NOT_YET in refused(database, "revert", "--table", "t", flag, "2999-01-01")
    with pytest.raises(psycopg.Error, match=NOT_YET):
        database.sql("select bemi.revert_sql(table_name => 't', until => '2999-01-01')")


@oldest_and_newest
def test_sequences_that_are_others_since_a_mark_are_named(
    database: Database, start_worker: StartWorker
) -> None:
    database.sql(
        "create table t (id int primary key);"
        "create sequence kept; create sequence renamed; create sequence gone; create sequence again;"
        "select nextval(s::regclass) from unnest(array['kept', 'renamed', 'gone', 'again']) s"
    )
    start_worker().wait_ready()
    env = {"BEMI_SOURCE_URL": database.url}
    bemi("mark", "create", "m", env=env)
    database.sql(
        "insert into t values (1); select setval('kept', 7), setval('renamed', 7);"
        "alter sequence renamed rename to other_name; drop sequence gone;"
        "drop sequence again; create sequence again start 50"
    )
    done = bemi("mark", "rollback", "m", env=env)
    said = done.stdout + done.stderr
    assert "public.gone is not there any more" in said
    assert "public.again is another one now" in said
    assert database.sql("select last_value from kept") == [(1,)]
    assert database.sql("select last_value from other_name") == [(1,)]
    assert database.sql("select last_value, is_called from again") == [(50, False)]
    assert database.sql("select count(*) from t") == [(0,)]
