"""Replica identities: what the stream leaves out is had back from the history, marked, never guessed."""

from __future__ import annotations

import random

import psycopg
import pytest

from e2e.oracle import Row, history, live_rows, replayed_rows, sync
from support.fixtures import Database, StartWorker, every_major
from support.seeds import printed_seed

KEEP = ("--replica-identity", "keep")
BODY = "(select string_agg(md5(i::text), '') from generate_series(1, 300) i)"


def marks(change: Row) -> set[str]:
    """The kinds of marks on the change."""
    return {mark for side in (change["fidelity"] or {}).values() for mark in side.values()}


@every_major
def test_before_and_unchanged_toast_from_the_history(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table doc (id int primary key, n int, body text, js json, f float8)")
    database.sql(f"insert into doc values (1, 1, {BODY}, ' null ', '-0')")
    start_worker(*KEEP).wait_ready()
    database.sql("update doc set n = 2")
    with psycopg.connect(database.url) as connection:
        connection.execute(f"insert into doc values (2, 1, {BODY})".encode())
        connection.execute("update doc set n = n + 1")
        connection.execute("update doc set id = 3 where id = 2")
        connection.execute("delete from doc where id = 1")
    database.sql("truncate doc")
    database.sql(f"insert into doc values (1, 7, {BODY})")
    database.sql("delete from doc")
    sync(database.url)
    changes = [c for c in history(database.url) if c["operation"] != "SCHEMA"]
    assert [(c["operation"], c["primary_key"]) for c in changes] == [
        ("SNAPSHOT", "1"), ("UPDATE", "1"), ("CREATE", "2"), ("UPDATE", "1"), ("UPDATE", "2"), ("UPDATE", "3"),
        ("DELETE", "1"), ("TRUNCATE", None), ("CREATE", "1"), ("DELETE", "1"),
    ]  # fmt: skip
    assert replayed_rows(changes, "doc") == live_rows(database.url, "doc")
    for change in changes:
        if change["operation"] in ("UPDATE", "DELETE"):
            assert marks(change) == {"reconstructed"}
            before = set(change["fidelity"]["before"])
            assert before >= {"n", "body", "js", "f"} and before <= {"id", "n", "body", "js", "f"}
    assert changes[1]["fidelity"]["after"] == {"body": "reconstructed"}
    assert changes[1]["exact"]["before"] == {"js": " null ", "f": "-0"}


@every_major
def test_a_value_that_the_history_lacks_is_unknown(database: Database, start_worker: StartWorker) -> None:
    database.sql("create table doc (id int primary key, n int, body text)")
    database.sql(f"insert into doc select i, 1, {BODY} from generate_series(1, 3) i")
    start_worker(*KEEP, "--snapshot", "none").wait_ready()
    database.sql("update doc set n = 2 where id = 1")
    database.sql("update doc set n = 3 where id = 1")
    database.sql("delete from doc where id = 2")
    # Values that a rewrite changed unseen are not taken for what they were.
    database.sql(f"insert into doc values (4, 1, {BODY})")
    database.sql("alter table doc alter column body type text using body || '!'")
    database.sql("update doc set n = 2 where id = 4")
    sync(database.url)
    first, second, gone, _, _, rewritten = history(database.url)
    assert first["before"] == {} and first["after"] == {"id": 1, "n": 2}
    assert first["fidelity"] == {
        "before": {"id": "unknown", "n": "unknown", "body": "unknown"},
        "after": {"body": "unknown"},
    }
    assert second["before"] == {"id": 1, "n": 2}
    assert second["fidelity"]["before"] == {"id": "reconstructed", "n": "reconstructed", "body": "unknown"}
    assert gone["before"] == {"id": 2} and marks(gone) == {"unknown"}
    assert rewritten["after"] == {"id": 4, "n": 2} and marks(rewritten) == {"unknown"}


@pytest.mark.parametrize("identity", ["default", "full", "using index doc_code_key"])
def test_identities_as_they_are_kept(identity: str, database: Database, start_worker: StartWorker) -> None:
    """A random workload: in every identity the history replays to the live table, and each `before` is the
    row that was there."""
    seed = printed_seed()
    rng = random.Random(seed)
    database.sql(
        "create table doc (id int, code int not null unique, n int, body text, primary key (id, code))"
    )
    database.sql(f"alter table doc replica identity {identity}")
    start_worker(*KEEP).wait_ready()
    with psycopg.connect(database.url) as connection:
        for number in range(400):
            kind = rng.randrange(8)
            target = rng.randrange(1, 60)
            if kind < 3:
                insert = f"insert into doc values (%s, %s, 0, {BODY}) on conflict do nothing"
                connection.execute(insert.encode(), (target, target))
            elif kind < 5:
                connection.execute("update doc set n = n + 1 where code = %s", (target,))
            elif kind == 5:
                connection.execute("update doc set code = %s where code = %s", (1000 + number, target))
            elif kind == 6:
                connection.execute("update doc set body = 'short' || n where code = %s", (target,))
            else:
                connection.execute("delete from doc where id = %s", (target,))
            if rng.random() < 0.4:
                connection.commit()
    sync(database.url)
    changes = history(database.url)
    if identity.startswith("using"):
        # Its index does not hold the whole key, so that a delete would not say which row went.
        assert database.sql("select relreplident from pg_class where oid = 'doc'::regclass") == [("f",)]
    rows: dict[str, object] = {}
    for change in changes:
        if change["operation"] in ("UPDATE", "DELETE"):
            key = f'["{change["before"]["id"]}", "{change["before"]["code"]}"]'
            assert rows.pop(key) == change["before"]
            assert "unknown" not in marks(change)
        if change["operation"] in ("CREATE", "UPDATE"):
            rows[str(change["primary_key"])] = change["after"]
    live = database.sql("select to_jsonb(d) from doc d")
    assert sorted(map(str, rows.values())) == sorted(str(row) for (row,) in live)
