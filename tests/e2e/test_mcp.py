"""`bemi mcp`: an assistant asks by the official client of the Model Context Protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from e2e.api import write
from e2e.oracle import sync
from support.bemi import binary
from support.fixtures import Database, StartWorker

ROOT = Path(__file__).resolve().parents[2]
CLIENT = ROOT / "tests" / "support" / "mcp_client.py"
PACKAGES = ROOT / "build" / "mcp"


@pytest.fixture
def shop(database: Database, start_worker: StartWorker) -> Database:
    database.sql("create table product (id int primary key, price numeric)")
    start_worker().wait_ready()
    database.sql("insert into product values (530, 0.08)")
    write(database, {"user_id": 42, "endpoint": "/price"}, "update product set price = 7.86 where id = 530")
    sync(database.url)
    return database


def ask(
    database: Database, *calls: tuple[str, dict[str, Any]], flags: tuple[str, ...] = ()
) -> dict[str, Any]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("BEMI_")} | {
        "PYTHONPATH": str(PACKAGES),
        "BEMI": str(binary()),
        "BEMI_SOURCE_URL": database.url,
    }
    command = [sys.executable, str(CLIENT), *flags]
    done = subprocess.run(
        command, input=json.dumps(calls), env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def rows(answer: dict[str, Any]) -> list[dict[str, Any]]:
    assert not answer["is_error"], answer
    return [json.loads(line) for line in answer["text"].splitlines() if line.startswith("{")]


def test_an_assistant_finds_who_changed_a_row(shop: Database) -> None:
    [(then,)] = shop.sql("select effective_at::text from changes where operation = 'CREATE'")
    said = ask(
        shop,
        ("find_changes", {"table": "product", "context": {"user_id": 42}}),
        ("record_history", {"table": "product", "primary_key": 530}),
        ("record_blame", {"table": "product", "primary_key": "530"}),
        ("table_as_of", {"table": "product", "time": then}),
        ("count_changes", {"by": "table", "every": "1d"}),
        ("find_transactions", {"context": {"user_id": 42}}),
        ("source_status", {}),
    )
    assert said["server"] == "bemi" and "apply_undo" not in said["tools"]
    changes, history, blame, past, counts, transactions, status = said["answers"]
    [change] = rows(changes)
    assert (change["primary_key"], change["operation"]) == ("530", "UPDATE")
    assert change["before"]["price"] == 0.08 and change["after"]["price"] == 7.86
    assert change["context"]["user_id"] == 42
    assert [version["operation"] for version in rows(history)] == ["CREATE", "UPDATE"]
    setter = {row["column"]: row["context"].get("user_id") for row in rows(blame)}
    assert setter == {"id": None, "price": 42}
    assert [row["price"] for row in rows(past)] == [0.08]
    assert any("product" in json.dumps(row) for row in rows(counts))
    assert len(rows(transactions)) == 1
    assert rows(status)[0]["state"] == "streaming"


def test_what_is_wrong_is_said_so_that_an_assistant_can_mend_it(shop: Database) -> None:
    said = ask(
        shop,
        ("find_changes", {"table": "prodct"}),
        ("find_changes", {"tabel": "product"}),
        ("record_history", {"table": "product"}),
        ("find_changes", {"context": {"user_id": 43}}),
        ("apply_undo", {"transaction": 1, "digest": "x"}),
    )
    typo, unknown, missing, none, refused = said["answers"]
    assert typo["is_error"] and "did you mean product?" in typo["text"]
    assert unknown["is_error"] and "no argument tabel" in unknown["text"]
    assert missing["is_error"] and "primary_key is missing" in missing["text"]
    assert not none["is_error"] and none["text"] == "nothing matches"
    assert refused["is_error"] and "may not undo" in refused["text"]
    assert shop.sql("select count(*) from changes where context ? 'revert_of'") == [(0,)]


def test_an_undo_is_planned_and_only_applied_where_that_is_allowed(shop: Database) -> None:
    selection = {"table": "product", "context": {"user_id": 42}}
    [planned] = ask(shop, ("plan_undo", selection))["answers"]
    [plan] = rows(planned)
    assert plan["applicable"] and shop.sql("select price::float from product") == [(7.86,)]
    apply = ("apply_undo", {**selection, "digest": plan["digest"], "reason": "wrong price"})
    [applied] = ask(shop, apply, flags=("--allow-undo",))["answers"]
    assert rows(applied)[0]["applied"] and shop.sql("select price::float from product") == [(0.08,)]
    sync(shop.url)
    assert shop.sql("select context ->> 'reason' from changes where context ? 'revert_of'") == [
        ("wrong price",)
    ]


def test_an_answer_that_is_too_large_is_refused(shop: Database) -> None:
    shop.sql("alter table product add note text")
    shop.sql("insert into product select i, 1, repeat('x', 20000) from generate_series(1000, 1100) i")
    sync(shop.url)
    large, small = ask(
        shop,
        ("find_changes", {"table": "product", "limit": 100}),
        ("find_changes", {"table": "product", "limit": 2}),
    )["answers"]
    assert large["is_error"] and "too large" in large["text"] and "fewer rows" in large["text"]
    assert len(rows(small)) == 2


def test_the_end_of_its_input_is_its_end(shop: Database) -> None:
    env = {"BEMI_SOURCE_URL": shop.url}
    lines = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}\nnonsense\n' + "x" * 3_000_000 + "\n"
    done = subprocess.run(
        [binary(), "mcp"], input=lines, env=env, capture_output=True, text=True, timeout=30, check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert answers[0] == {"jsonrpc": "2.0", "id": 1, "result": {}}
    assert [answer["error"]["code"] for answer in answers[1:]] == [-32700, -32700]
    nowhere = subprocess.run(
        [binary(), "mcp"], env={}, capture_output=True, text=True, timeout=30, check=False
    )
    assert nowhere.returncode == 2 and "BEMI_SOURCE_URL" in nowhere.stderr
