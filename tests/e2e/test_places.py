"""One database, two databases, two servers; roles; what is tracked and what is not."""

from __future__ import annotations

import json
import time

from e2e.oracle import history, sync
from support.bemi import bemi
from support.fixtures import Database, Servers, StartWorker, every_major
from support.postgres import available
from support.waiting import wait_until


def test_two_sources_of_one_name_share_a_destination(
    servers: Servers, database: Database, start_worker: StartWorker
) -> None:
    oldest, newest = servers.get(available()[0]), servers.get(available()[-1])
    urls = [oldest.create_database("shop"), newest.create_database("shop")]
    try:
        for number, (server, url) in enumerate(zip((oldest, newest), urls, strict=True)):
            server.sql("create table item (id int primary key)", dbname="shop")
            start_worker(
                "--name",
                f"shop{number}",
                env={"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": database.url},
            ).wait_ready()
            server.sql(f"insert into item values ({number})", dbname="shop")
        for number, url in enumerate(urls):
            bemi(
                "sync",
                "--timeout",
                "30",
                "--name",
                f"shop{number}",
                env={"BEMI_SOURCE_URL": url, "BEMI_DESTINATION_URL": database.url},
            )
        rows = history(database.url, "operation = 'CREATE'")
        assert sorted((r["source"], r["database"], r["primary_key"]) for r in rows) == [
            ("shop0", "shop", "0"),
            ("shop1", "shop", "1"),
        ]
        # The second cluster under the first one's name is refused, never mixed in.
        wrong = bemi(
            "run",
            "--name",
            "shop0",
            check=False,
            env={"BEMI_SOURCE_URL": urls[1], "BEMI_DESTINATION_URL": database.url},
        )
        assert wrong.returncode == 1 and "hint:" in wrong.stderr
    finally:
        for server in (oldest, newest):
            server.drop_database("shop")


def test_a_foreign_changes_table_is_left_alone(database: Database) -> None:
    database.sql("create table changes (mine int)")
    done = bemi("run", env={"BEMI_SOURCE_URL": database.url}, check=False)
    assert done.returncode == 1
    assert 'named "public"."changes"' in done.stderr and "--schema" in done.stderr
    assert database.sql("select count(*) from changes") == [(0,)]


@every_major
def test_least_privileged_worker(database: Database, start_worker: StartWorker) -> None:
    database.sql("drop role if exists tracker")
    database.sql("create role tracker login replication")
    database.sql("create table item (id int primary key)")
    worker_url = database.url.replace("postgres@", "tracker@")
    env = {"BEMI_SOURCE_URL": worker_url}
    checked = bemi("check", env=env, check=False)
    assert checked.returncode == 1 and 'grant select on "public"."item" to "tracker"' in checked.stdout
    bemi("init", env={**env, "BEMI_ADMIN_URL": database.url})
    bemi("check", env=env)
    start_worker(env=env).wait_ready()
    database.sql("insert into item values (1)")
    sync(worker_url)
    assert [c["primary_key"] for c in history(database.url)] == ["1"]
    # A table made later is published by the event trigger, in its own transaction.
    database.sql("create table later (id int primary key); insert into later values (5)")
    sync(worker_url)
    later = history(database.url, "\"table\" = 'later'")
    assert [(c["operation"], c["primary_key"]) for c in later] == [("SCHEMA", None), ("CREATE", "5")]


def test_a_new_table_is_found_without_an_event_trigger(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key)")
    worker = start_worker(
        "--no-event-trigger", "--log-format", "json", "--heartbeat-interval", "1"
    ).wait_ready()
    database.sql("create table later (id int primary key)")
    line = json.loads(worker.wait_for_line("tracking the new table public.later", timeout=60))
    assert line["level"] == "info"
    database.sql("insert into later values (5); update later set id = 6")
    sync(database.url)
    assert [(c["operation"], c["before"]) for c in history(database.url, "operation <> 'SNAPSHOT'")] == [
        ("CREATE", {}),
        ("UPDATE", {"id": 5}),
    ]


def test_selection_ignore_and_redact(database: Database, start_worker: StartWorker) -> None:
    database.sql(
        "create schema app; create table app.user_account (id int primary key, name text, "
        "password text, updated_at timestamptz)"
    )
    database.sql("create table app.session (id int primary key); create table audit_log (id int primary key)")
    start_worker(
        "--include",
        "app.*",
        "--exclude",
        "app.ses*",
        "--redact-column",
        "app.*.password",
        "--ignore-column",
        "*.*.updated_at",
    ).wait_ready()
    database.sql("insert into app.user_account values (1, 'a', 'secret', null)")
    database.sql("update app.user_account set updated_at = now()")
    database.sql("update app.user_account set updated_at = now(), name = 'b'")
    database.sql("insert into app.session values (1); insert into audit_log values (1)")
    sync(database.url)
    changes = history(database.url)
    assert [(c["table"], c["operation"]) for c in changes] == [
        ("user_account", "CREATE"),
        ("user_account", "UPDATE"),
    ]
    assert "secret" not in json.dumps([(c["before"], c["after"], c["exact"]) for c in changes])
    assert changes[0]["fidelity"] == {"after": {"password": "redacted"}}
    assert changes[1]["after"]["name"] == "b" and changes[1]["after"]["updated_at"]


def test_quiet_when_idle_in_one_database(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key)")
    worker = start_worker("--heartbeat-interval", "2").wait_ready()
    database.sql("insert into item values (1)")
    sync(database.url)
    ahead = "select count(*) > 1 from pg_inherits where inhparent = 'changes'::regclass"
    wait_until(lambda: database.sql(ahead)[0][0], "the next partition is made ahead, once a month")
    with database.server.without_autovacuum():
        database.sql("checkpoint")  # the next one is minutes away
        time.sleep(5)  # the first heartbeats after it write full pages
        rows, cpu = history(database.url), worker.cpu_seconds()
        before = database.sql("select pg_current_wal_lsn()::text")[0][0]
        time.sleep(10)
        wal = database.sql("select pg_wal_lsn_diff(pg_current_wal_lsn(), %s)", before)[0][0]
    assert history(database.url) == rows
    assert wal < 5 * 10_000  # five heartbeats, each with its progress row
    assert worker.cpu_seconds() - cpu < 0.1


def test_teardown_leaves_the_source_as_it_was(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table item (id int primary key)")
    start_worker().wait_ready().terminate()
    env = {"BEMI_SOURCE_URL": database.url}
    refused = bemi("teardown", env=env, check=False)
    assert refused.returncode == 2 and "--yes" in refused.stderr
    bemi("teardown", "--yes", "--destination", env=env)
    assert database.sql("select relreplident from pg_class where oid = 'public.item'::regclass") == [("d",)]
    assert database.sql("select count(*) from pg_publication") == [(0,)]
    assert database.sql("select count(*) from pg_replication_slots where database = current_database()") == [
        (0,)
    ]
    assert database.sql("select to_regclass('changes'), to_regnamespace('_bemi')") == [(None, None)]
