"""A redacted column's value is a needle: it is looked for in everything that comes out of Bemi, in the files of the
history's database, and in what its worker says."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from e2e.oracle import history, sync
from e2e.test_maintenance import aged
from e2e.test_webhooks import Receiver

from attack.outputs import OF_BEMI, Moments, addresses, commands, functions, stored
from support.bemi import bemi, binary
from support.dashboard import TOKEN, Dashboard
from support.fixtures import Database, StartWorker, oldest_and_newest
from support.postgres import available
from support.waiting import wait_until

NEEDLE = "NEEDLEinAhaystack"
REDACT = ("--redact-column", "public.users.token", "--redact-column", "public.members.token")
TABLES = f"""
create type place as (street text, code text);
create table users (id int primary key, name text, token text, home place);
create table members (id int primary key, name text, token text);
insert into members select i, 'name ' || i, '{NEEDLE}-member-' || i from generate_series(1, 20) i;
insert into users select i, 'name ' || i, '{NEEDLE}-baseline-' || i from generate_series(1, 20) i;
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def apart(database: Database) -> Iterator[Database]:
    """The history's own database, where no application writes the needle."""
    name = f"{database.name}_history"
    yield Database(database.server, name, database.server.create_database(name))
    database.server.drop_database(name)


class Haystack:
    """All that was ever said, by whom."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []
        self.lock = threading.Lock()

    def add(self, who: str, text: str) -> None:
        with self.lock:
            self.said.append((who, text))

    def has(self, who: str, what: str) -> bool:
        with self.lock:
            return any(name == who and what in text for name, text in self.said)

    def found(self) -> list[str]:
        return [f"{who}: {text[:300]}" for who, text in self.said if NEEDLE in text]


def files_of(database: Database) -> Iterator[tuple[str, str]]:
    database.server.sql("checkpoint", dbname=database.name)
    [[oid]] = database.sql("select oid::bigint from pg_database where datname = current_database()")
    for file in (Path(database.server.data_dir) / "base" / str(oid)).iterdir():
        yield file.name, file.read_bytes().decode("latin-1")


@contextmanager
def following(env: dict[str, str], said: Path) -> Iterator[None]:
    with said.open("wb") as out:
        process = subprocess.Popen(
            [binary(), "changes", "--follow", "--format", "json"],
            env=env,
            stdout=out,
            stderr=out,
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def listen(hay: Haystack, dashboard: Dashboard) -> threading.Thread:
    """Until the server ends."""

    def read() -> None:
        with contextlib.suppress(httpx.HTTPError), dashboard.events() as events:
            for line in events.lines:
                hay.add("stream", line)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


def work(database: Database, destination: Database) -> None:
    """Every way in which the column's values could get out."""
    n = iter(range(10_000))

    def value() -> str:
        return f"{NEEDLE}-{next(n)}"

    do = database.sql
    do(f"insert into users values (100, 'new', '{value()}', ('s', 'c'))")
    do(f"update users set token = '{value()}' where id <= 3")
    do("delete from users where id = 3")
    do("alter table users drop column token")
    do(f"alter table users add column token text default '{NEEDLE}-default'")
    do(f"update users set token = '{value()}' || repeat('x', 20000) where id = 4")  # out of line
    do("update users set name = 'again' where id = 4")  # and not sent
    with psycopg.connect(database.url) as connection:
        context = json.dumps({"user_id": 1, "SQL": f"update users set token = '{value()}'"})
        connection.execute("select pg_logical_emit_message(true, '_bemi', %s::text)", (context,))
        connection.execute("update users set name = 'with a context' where id = 5")
    for prefix in ("_bemi", "_bemi_schema", "_bemi_fence", "_bemi_other"):
        do(f"select pg_logical_emit_message(true, '{prefix}', '{value()}')")
    # A row that the history refuses is parked.
    destination.sql(
        "alter table changes add constraint refuse check (after ->> 'name' is distinct from 'refuse')"
    )
    do(f"update users set name = 'refuse', token = '{value()}' where id = 6")
    sync(database.url, destination.url)
    assert destination.sql("select count(*) from _bemi.parked where what = 'change'") == [(1,)]
    destination.sql("alter table changes drop constraint refuse")
    # One that an undo can be written for: it is not altered, and nothing is to come back that is not known.
    do("update members set name = 'a member' where id <= 4")
    do(f"insert into members values (200, 'one more', '{value()}')")
    # Under other names.
    do("alter table users rename token to innocent; alter table users rename to people")
    do(f"update people set innocent = '{value()}' where id <= 8")
    do("create schema moved; alter table people set schema moved")
    do(f"insert into moved.people (id, name, innocent) values (101, 'moved', '{value()}')")
    do("alter table moved.people rename innocent to token; alter table moved.people rename to users")
    do("alter table moved.users set schema public")
    do(f"update users set token = '{value()}' where id <= 8")


def assistant_calls(then: str, later: str) -> str:
    """Each tool that reads, as lines of JSON-RPC."""
    of_record = {"table": "users", "primary_key": "4"}
    calls: dict[str, dict[str, object]] = {
        "find_changes": {"table": "users", "limit": 500},
        "record_history": {**of_record},
        "record_blame": {**of_record},
        "table_as_of": {"table": "users", "time": then},
        "table_diff": {"table": "users", "from": then, "to": later},
        "find_transactions": {},
        "count_changes": {},
        "source_status": {},
        "plan_undo": {"table": "users", "since": then},
    }
    lines = [
        {"jsonrpc": "2.0", "id": i, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
        for i, (name, arguments) in enumerate(calls.items())
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def ask(hay: Haystack, env: dict[str, str], dashboard: Dashboard, moments: Moments) -> None:
    then, later = moments.then, moments.later
    forms = ("table", "json", "csv")
    asked: dict[str, list[list[str]]] = {
        "changes": [["--limit", "1000", "--format", form] for form in forms],
        "history": [["users", "4", "--format", form] for form in forms],
        "blame": [["users", "4", "--format", form] for form in forms],
        "as-of": [[at, "users", "--format", form] for form in forms for at in (then, later)],
        "diff": [["users", then, later, "--format", form] for form in forms],
        "revert": [["--table", "users", "--since", then], ["--table", "users", "--operation", "DELETE"]],
        "redo": [[]],
        "mark": [["create", "m"], ["list"], ["rollback", "m"], ["forward", "m"], ["delete", "m"]],
        "transactions": [["--format", "json"]],
        "trends": [["--format", "json"]],
        "maintain": [[]],
        "archive": [["list"]],
        "source": [["list"]],
        "checkout": [[then]],
        "init": [["--dry-run"], []],
        "check": [[]],
        "status": [[], ["--stages"], ["--format", "json"]],
        "sync": [[]],
        # Running; of other tests; what asks the commands above, below; and what ends it all.
        **{command: [] for command in ("run", "serve", "dev", "mcp", "teardown")},
    }
    asked["as-of"].append([then, "users", "--explain"])
    asked["revert"] += [["--table", table, "--sql"] for table in ("users", "members")]
    for who, text in commands(env, asked):
        hay.add(who, text)
    hay.add("bemi mcp", bemi("mcp", env=env, stdin=assistant_calls(then, later)).stdout)
    samples = {"table": "users", "key": "4", "at": then, "from": then, "to": later, "limit": 500}
    samples |= {"format": "csv", "by": "transaction", "reads": "true"}
    wish = {"filter": {"table": "users"}}
    bodies: dict[str, object] = {
        "/api/revert/plan": wish,
        "/api/revert": {**wish, "digest": "x"},
        "/api/webhooks/test": {"name": "hook"},
        "/api/marks": {"name": "of the dashboard"},
        "/api/managed/check": {"url": env["BEMI_SOURCE_URL"]},
    }
    for who, text in addresses(dashboard, samples, bodies):
        hay.add(who, text)


def environment(database: Database, destination: Database) -> dict[str, str]:
    return {
        "BEMI_SOURCE_URL": database.url,
        "BEMI_DESTINATION_URL": destination.url,
        "BEMI_HTTP_TOKEN": TOKEN,
        "BEMI_HTTP": "127.0.0.1:0",
        "BEMI_SECRET_KEY": "a key that is long enough to be one, and secret",
        "BEMI_WEBHOOK_ALLOW": "127.0.0.1",
        "BEMI_REVERT_URL": database.url,
    }


@oldest_and_newest
def test_the_needle_is_nowhere(
    database: Database, apart: Database, start_worker: StartWorker, receiver: Receiver, tmp_path: Path
) -> None:
    database.sql(TABLES)
    logged_before = database.server.log_file.stat().st_size
    env = environment(database, apart)
    worker = start_worker(*REDACT, "--heartbeat-interval", "1", "--snapshot", "initial", env=env).wait_ready()
    sync(database.url, apart.url)
    then = str(database.sql("select clock_timestamp()::text")[0][0])
    hay = Haystack()
    dashboard = Dashboard(worker)
    answer = dashboard.client.post("/api/webhooks", json={"name": "hook", "url": receiver.url})
    assert answer.status_code == 200, answer.text
    listening = listen(hay, dashboard)
    followed = tmp_path / "followed"
    with following(env, followed):
        work(database, apart)
        # Out of the publication and back: its rows are read anew, beside the stream.
        [[publication]] = database.sql("select pubname::text from pg_publication")
        database.sql(f"alter publication {publication} drop table users")
        database.sql(f"alter publication {publication} add table users")
        wait_until(
            lambda: len(history(apart.url, "operation = 'SNAPSHOT'")) >= 40,
            "the rows are read anew",
            seconds=60,
        )
        database.sql(f"update users set token = '{NEEDLE}-last' where id = 9")
        sync(database.url, apart.url)
        last = str(history(apart.url, "operation = 'UPDATE'")[-1]["id"])
        wait_until(lambda: hay.has("stream", last), "the stream", seconds=30)
        wait_until(lambda: last in followed.read_text(), "changes --follow", seconds=30)
        wait_until(lambda: any(last in str(change) for change in receiver.taken()), "the webhook", seconds=60)
        later = str(database.sql("select clock_timestamp()::text")[0][0])
        database.sql("insert into users (id) values (1000)")
        sync(database.url, apart.url)
        ask(hay, env, dashboard, Moments(then, later))
        for table in ("users", "members"):
            for who, text in functions(apart, Moments(then, later), table, "4"):
                hay.add(who, text)
    assert worker.is_running
    worker.terminate()
    listening.join(30)
    dashboard.close()
    hay.add("changes --follow", followed.read_text())
    for headers, body, _ in receiver.requests:
        hay.add("webhook", str(headers) + body.decode())
    for line in worker.lines():
        hay.add("log", line)
    hay.add("server's log", database.server.log_file.read_bytes()[logged_before:].decode(errors="replace"))
    for who, text in [*stored(apart), *stored(database, OF_BEMI), *files_of(apart)]:
        hay.add(who, text)
    assert hay.found() == []
    # A haystack without straw would prove nothing.
    rows = history(apart.url, "operation in ('CREATE', 'UPDATE', 'DELETE')")
    assert len(rows) >= 20
    redacted = [row for row in rows if "redacted" in str(row["fidelity"])]
    assert len(redacted) == len(rows)
    answers = [text for who, text in hay.said if who.startswith(("bemi", "GET ", "POST "))]
    assert sum("name 2" in text or "again" in text for text in answers) >= 15
    assert [who for who, _ in hay.said if who == "webhook"]
    for who, what in (
        ("bemi.revert_sql(", "_bemi_undo"),
        ("bemi.history(", "again"),
        ("_bemi.parked", "refuse"),
        ("GET /metrics 200", "bemi_source"),
        ("POST /api/revert/plan 200", "digest"),
    ):
        assert any(name.startswith(who) and what in text for name, text in hay.said), (who, what)


@pytest.mark.parametrize("major", [available()[0], available()[-1]])
def test_the_needle_is_in_no_archive(major: int, start_worker: StartWorker, tmp_path: Path) -> None:
    def redacting(**options: Any) -> Any:
        return start_worker("--redact-column", "public.item.name", **options)

    with aged(major, redacting) as old:  # type: ignore[arg-type]
        old.maintain("--archive", str(tmp_path))
        files = sorted(tmp_path.rglob("*.zst"))
        assert files
        texts = [
            subprocess.run(["zstd", "-dc", str(file)], capture_output=True, text=True, check=True).stdout
            for file in files
        ]
        assert sum(text.count('"UPDATE"') + text.count("\tUPDATE\t") + text.count("UPDATE") for text in texts)
        for needle in ("second", "third 0"):
            assert not [text[:200] for text in texts if needle in text]
            assert not [row[:200] for row in old.rows() if needle in row]
        for file in files:
            said = bemi("changes", "--archive", str(file), "--format", "json", env=old.env).stdout
            assert '"UPDATE"' in said or "CREATE" in said
            assert "second" not in said and "third 0" not in said
