"""The harness itself: what other tests take for granted about their servers."""

from __future__ import annotations

import os

import psycopg
import pytest

from support.fixtures import Database, every_major
from support.postgres import Server, available


@every_major
def test_a_server_is_of_the_asked_major_and_decodes(database: Database) -> None:
    ((version,),) = database.sql("select current_setting('server_version_num')::int / 10000")
    assert version == database.server.major
    database.sql("select pg_create_logical_replication_slot(%s, 'pgoutput')", database.name)


def test_a_crash_keeps_what_was_committed_and_the_port() -> None:
    with Server.start(available()[-1], settings={"work_mem": "5MB"}) as server:
        server.sql("create table todo (id int); insert into todo values (1)")
        port, first = server.port, server.pid
        server.kill9()
        assert not server.is_running
        server.launch()
        assert (server.port, server.pid != first) == (port, True)
        assert server.sql("select id, current_setting('work_mem') from todo") == [(1, "5MB")]


def test_scram_asks_over_the_network() -> None:
    with Server.start(available()[-1], auth="scram") as server:
        psycopg.connect(server.url()).close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(server.url(password="wrong"))


def test_a_setting_that_the_server_does_not_know_is_told() -> None:
    with pytest.raises(RuntimeError, match="no_such_setting"):
        Server.start(available()[-1], settings={"no_such_setting": "1"})


def test_a_closed_server_leaves_nothing() -> None:
    server = Server.start(available()[-1])
    pid, home = server.pid, server.home
    server.close()
    assert not home.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_database_goes_even_with_a_slot_and_a_session(server: Server) -> None:
    url = server.create_database("doomed")
    with psycopg.connect(url):
        server.sql(
            "select pg_create_logical_replication_slot('doomed', 'pgoutput')",
            dbname="doomed",
        )
        server.drop_database("doomed")
    assert server.sql("select from pg_database where datname = 'doomed'") == []
