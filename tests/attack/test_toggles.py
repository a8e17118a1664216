"""Who may, switches the tracking of a table off for a moment, and on again: it is on record as a gap of that table,
and no answer about the past takes the rows of before for those of after."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from e2e.conftest import OpenDashboard
from e2e.oracle import history, live_rows, sync

from attack.conftest import NewRole
from support.bemi import bemi
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.waiting import wait_until

pytestmark = oldest_and_newest

QUICK = ("--heartbeat-interval", "1")
TABLES = (
    "create table account (id int primary key, balance int); insert into account values (1, 1000);"
    "create table bystander (id int primary key); insert into bystander values (1)"
)
HIDDEN = "update account set balance = balance - 999 where id = 1"
ALL = "insert, update, delete, truncate"

# {p}: the publication.
PUBLICATION: dict[str, tuple[str, str]] = {
    "options": (
        "alter publication {p} set (publish = 'insert')",
        f"alter publication {{p}} set (publish = '{ALL}')",
    ),
    "by the root": (
        "alter publication {p} set (publish_via_partition_root = true)",
        "alter publication {p} set (publish_via_partition_root = false)",
    ),
    "membership": ("alter publication {p} drop table account", "alter publication {p} add table account"),
    "row filter": (
        "alter publication {p} set table account where (id > 100), bystander",
        "alter publication {p} set table account, bystander",
    ),
}
SINCE_15 = ("row filter",)
EVENT_TRIGGERS = ("bemi_track_ddl", "bemi_track_drop", "bemi_track_rewrite")
DISABLE = ";".join(f"alter event trigger {name} disable" for name in EVENT_TRIGGERS)
ENABLE = ";".join(f"alter event trigger {name} enable always" for name in EVENT_TRIGGERS)


def env(database: Database) -> dict[str, str]:
    return {"BEMI_SOURCE_URL": database.url, "BEMI_DESTINATION_URL": database.url}


def skip_if_unknown(database: Database, toggle: str) -> None:
    [[version]] = database.sql("select current_setting('server_version_num')::int")
    if toggle in SINCE_15 and version < 150000:
        pytest.skip("publications have no row filters and no columns before 15")


def publication_of(database: Database) -> str:
    [[name]] = database.sql("select pubname::text from pg_publication")
    return str(name)


def now(database: Database) -> str:
    return str(database.sql("select clock_timestamp()::text")[0][0])


def gaps(database: Database) -> list[tuple[Any, ...]]:
    return database.sql('select schema, "table", from_time, to_time from _bemi.gap order by id')


def answered(database: Database, when: str) -> list[dict[str, Any]] | None:
    """By both ways, forward and back from the live table; None: refused."""
    said = bemi("as-of", when, "account", "--format", "json", env=env(database), check=False)
    return [json.loads(line) for line in said.stdout.splitlines()] if said.returncode == 0 else None


def assert_on_record(
    database: Database, before: str, hidden: str, *, both: bool, open_dashboard: OpenDashboard, worker: Any
) -> None:
    """`before`: a moment before the toggle; `hidden`: one between the hidden change and the end of it all."""
    wait_until(lambda: gaps(database), "the gap", seconds=60)
    wait_until(lambda: all(gap[3] for gap in gaps(database)), "the rows are read anew", seconds=60)
    found = gaps(database)
    tables = {gap[:2] for gap in found}
    assert ("public", "account") in tables
    assert both == (("public", "bystander") in tables)
    [[within]] = database.sql(
        "select bool_or(from_time <= %s and to_time >= %s) from _bemi.gap where \"table\" = 'account'",
        hidden,
        hidden,
    )
    assert within, (found, hidden)
    sync(database.url)
    # As of a moment within it: the truth or a refusal, never what was before.
    assert answered(database, hidden) in (None, [{"id": 1, "balance": 1}])
    assert answered(database, before) in (None, [{"id": 1, "balance": 1000}])
    later = now(database)
    database.sql("insert into bystander values (99)")
    sync(database.url)
    assert answered(database, later) == [{"id": 1, "balance": 1}]
    # And everybody says so.
    check = bemi("check", env=env(database), check=False).stdout
    assert [line for line in check.splitlines() if "public.account" in line and "are known" in line]
    status = json.loads(bemi("status", "--format", "json", env=env(database)).stdout)
    assert status["gaps"] == len(found) and status["open_gaps"] == 0
    assert "public." in status["last_table_gap"]
    said = bemi("history", "account", "1", env=env(database)).stderr
    assert "a gap: not all changes of account" in said
    [source] = open_dashboard(worker).get("/api/sources")["sources"]
    assert [gap for gap in source["gaps"] if gap["table"] == "account" and gap["to_time"]]
    assert worker.is_running


def start(start_worker: StartWorker, database: Database, *flags: str, **options: Any) -> Any:
    options["env"] = {
        "BEMI_HTTP_TOKEN": "a-token-of-the-tests-that-is-long-enough",
        **options.get("env", {}),
    }
    worker = start_worker(*QUICK, "--http", "127.0.0.1:0", *flags, **options).wait_ready()
    sync(database.url)
    wait_until(
        lambda: database.sql("select publication_seen is not null from _bemi.source") == [(True,)],
        "the first look",
        seconds=30,
    )
    return worker


@pytest.mark.parametrize("toggle", PUBLICATION)
@pytest.mark.parametrize("watched", [True, False], ids=["watched", "unwatched"])
def test_a_superuser_toggles_the_publication(
    database: Database,
    start_worker: StartWorker,
    open_dashboard: OpenDashboard,
    toggle: str,
    watched: bool,
) -> None:
    """`unwatched`: with the event triggers switched off meanwhile, too."""
    skip_if_unknown(database, toggle)
    database.sql(TABLES)
    worker = start(start_worker, database)
    before = now(database)
    off, on = (part.format(p=publication_of(database)) for part in PUBLICATION[toggle])
    if not watched:
        database.sql(DISABLE)
    database.sql(f"begin; {off}; {HIDDEN}; {on}; commit")
    hidden = now(database)
    if not watched:
        database.sql(ENABLE)
    assert_on_record(
        database,
        before,
        hidden,
        both=toggle in ("options", "by the root"),
        open_dashboard=open_dashboard,
        worker=worker,
    )


@pytest.mark.parametrize("toggle", ["options", "membership", "row filter"])
def test_its_owner_toggles_it_where_there_are_no_event_triggers(
    database: Database,
    start_worker: StartWorker,
    new_role: NewRole,
    open_dashboard: OpenDashboard,
    toggle: str,
) -> None:
    skip_if_unknown(database, toggle)
    owner = new_role("owner")
    database.sql(f'alter role "{owner.name}" replication')
    database.sql(f'grant create on database "{database.name}" to "{owner.name}"')
    database.sql(f'grant create, usage on schema public to "{owner.name}"')
    owner.sql(TABLES)
    worker = start(
        start_worker,
        database,
        env={"BEMI_SOURCE_URL": owner.url, "BEMI_DESTINATION_URL": owner.url},
    )
    before = now(database)
    off, on = (part.format(p=publication_of(database)) for part in PUBLICATION[toggle])
    owner.sql(f"begin; {off}; {HIDDEN}; {on}; commit")
    hidden = now(database)
    assert_on_record(
        database,
        before,
        hidden,
        both=toggle == "options",
        open_dashboard=open_dashboard,
        worker=worker,
    )


@pytest.mark.parametrize("toggle", ["options", "membership"])
def test_a_toggle_while_no_worker_runs(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard, toggle: str
) -> None:
    database.sql(TABLES)
    worker = start(start_worker, database)
    before = now(database)
    worker.terminate()
    off, on = (part.format(p=publication_of(database)) for part in PUBLICATION[toggle])
    database.sql(DISABLE)
    database.sql(f"begin; {off}; {HIDDEN}; {on}; commit")
    hidden = now(database)
    database.sql(ENABLE)
    worker = start(start_worker, database)
    assert_on_record(
        database,
        before,
        hidden,
        both=toggle == "options",
        open_dashboard=open_dashboard,
        worker=worker,
    )


REWRITE = "alter table account alter column balance type int using balance - 999"


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_a_rewrite_while_the_event_triggers_are_off(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard, running: bool
) -> None:
    """The table looks as before; only its row in the catalog is another one."""
    database.sql(TABLES)
    worker = start(start_worker, database)
    wait_until(
        lambda: database.sql("select count(*) from _bemi_source.guard") == [(1,)], "a look", seconds=30
    )
    before = now(database)
    if not running:
        worker.terminate()
    database.sql(DISABLE)
    database.sql(REWRITE)
    hidden = now(database)
    database.sql(ENABLE)
    if not running:
        worker = start(start_worker, database)
    assert_on_record(database, before, hidden, both=False, open_dashboard=open_dashboard, worker=worker)


def test_a_setup_anew_hides_no_toggle(
    database: Database, start_worker: StartWorker, open_dashboard: OpenDashboard
) -> None:
    database.sql(TABLES)
    worker = start(start_worker, database)
    before = now(database)
    worker.terminate()
    database.sql(DISABLE)
    database.sql(REWRITE)
    hidden = now(database)
    bemi("init", env={"BEMI_SOURCE_URL": database.url})
    worker = start(start_worker, database)
    assert_on_record(database, before, hidden, both=False, open_dashboard=open_dashboard, worker=worker)


def test_a_table_that_hides_in_a_schema_that_is_not_tracked(
    database: Database, start_worker: StartWorker, new_role: NewRole
) -> None:
    """By the table's owner alone."""
    owner = new_role("owner")
    database.sql(f'create schema aside authorization "{owner.name}"')
    database.sql(f'grant create, usage on schema public to "{owner.name}"')
    owner.sql(TABLES)
    start_worker(*QUICK, "--exclude", "aside.*").wait_ready()
    sync(database.url)
    owner.sql(
        f"begin; alter table account set schema aside; {HIDDEN.replace('account', 'aside.account')};"
        "alter table aside.account set schema public; commit"
    )
    hidden = now(database)
    wait_until(lambda: gaps(database), "the gap", seconds=60)
    wait_until(lambda: all(gap[3] for gap in gaps(database)), "the rows are read anew", seconds=60)
    assert {gap[:2] for gap in gaps(database)} == {("public", "account")}
    sync(database.url)
    assert answered(database, hidden) in (None, [{"id": 1, "balance": 1}])


HIDING = {
    "as a part of the history": (
        "alter table account rename to changes_2026_01",
        "alter table changes_2026_01 rename to account",
    ),
    "in an extension": (
        "alter extension hstore add table account; alter table account set (fillfactor = 50)",
        "alter extension hstore drop table account",
    ),
    "in an extension's schema": (
        "create schema aside; alter extension hstore add schema aside; alter table account set schema aside;"
        "set search_path = public, aside",
        "alter table aside.account set schema public",
    ),
}


@pytest.mark.parametrize("returns", [True, False], ids=["returns", "stays"])
@pytest.mark.parametrize("hides", HIDING)
def test_a_table_that_its_owner_hides(
    database: Database, start_worker: StartWorker, new_role: NewRole, hides: str, returns: bool
) -> None:
    """The owner may make schemas and trusted extensions, too."""
    owner = new_role("owner")
    database.sql(f'grant create on database "{database.name}" to "{owner.name}"')
    database.sql(f'grant create, usage on schema public to "{owner.name}"')
    owner.sql(TABLES)
    owner.sql("create extension hstore")
    worker = start(start_worker, database)
    before = now(database)
    there, back = HIDING[hides]
    hidden_name = "changes_2026_01" if "history" in hides else "account"
    owner.sql(f"{there}; {HIDDEN.replace('account', hidden_name)}" + (f"; {back}" if returns else ""))
    hidden = now(database)
    sync(database.url)
    if hidden_name != "account" and not returns:
        # Nothing is hidden: the name does not make it a part of the history.
        assert history(database.url, "\"table\" = 'changes_2026_01' and operation = 'UPDATE'")
        return
    seen = bool(history(database.url, "operation = 'UPDATE'"))
    if not seen:
        wait_until(lambda: gaps(database), "the gap", seconds=60)
        [[within]] = database.sql("select bool_or(from_time <= %s) from _bemi.gap", hidden)
        assert within
    if returns:
        wait_until(lambda: all(gap[3] for gap in gaps(database)), "the rows are read anew", seconds=60)
        sync(database.url)
        later = now(database)
        database.sql("insert into bystander values (99)")
        sync(database.url)
        assert answered(database, later) == [{"id": 1, "balance": 1}]
    assert answered(database, hidden) in (None, [{"id": 1, "balance": 1}])
    assert answered(database, before) in (None, [{"id": 1, "balance": 1000}])
    assert worker.is_running


def test_ordinary_work_is_no_gap(database: Database, start_worker: StartWorker, new_role: NewRole) -> None:
    app = new_role("app")
    database.sql(TABLES)
    worker = start(start_worker, database)
    steps: list[Callable[[], object]] = [
        lambda: database.sql("create table late (id int primary key)"),
        lambda: database.sql(f'grant select, update on account to "{app.name}"'),
        lambda: database.sql("alter table account add column note text default 'x'"),
        lambda: database.sql("alter table account alter column balance type bigint"),
        lambda: database.sql("create index on account (balance)"),
        lambda: database.sql(f'revoke update on account from "{app.name}"'),
        lambda: database.server.sql("vacuum full account", dbname=database.name),
        lambda: database.sql("drop table late"),
        lambda: bemi("init", env={"BEMI_SOURCE_URL": database.url}),
        lambda: database.sql("truncate account"),
    ]
    for step in steps:
        step()
        time.sleep(0.3)
    sync(database.url)
    worker.terminate()
    database.sql("update _bemi.source set publication_seen_at = '2000-01-01'")
    worker = start(start_worker, database)
    looked = "select publication_seen_at > '2000-01-01' from _bemi.source"
    wait_until(lambda: database.sql(looked) == [(True,)], "another look", seconds=30)
    assert gaps(database) == []
    assert worker.is_running
    assert live_rows(database.url, "bystander") == ['{"id": 1}']
    assert history(database.url, "\"table\" = 'late' and operation = 'SCHEMA'")
