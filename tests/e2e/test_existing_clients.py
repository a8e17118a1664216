"""Packages that already pass context to Bemi, unmodified, as real clients of the worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from e2e.oracle import sync
from support.fixtures import Database, StartWorker

CLIENTS = Path(__file__).parent.parent / "clients"
BUILD = Path(__file__).parent.parent.parent / "build"


def run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    done = subprocess.run(
        command, env=os.environ | (env or {}), cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def contexts(database: Database) -> list[tuple[object, ...]]:
    sync(database.url)
    return database.sql(
        "select operation, primary_key, context - 'SQL', split_part(context ->> 'SQL', ' ', 1)"
        " from changes where \"table\" = 'item' order by commit_position, sequence"
    )


@pytest.fixture
def item(database: Database) -> Database:
    database.sql("create table item (id int primary key, name text)")
    return database


def test_bemi_sqlalchemy(item: Database, start_worker: StartWorker) -> None:
    url = item.url.replace("postgresql:", "postgresql+psycopg2:")
    client: list[str | Path] = [sys.executable, CLIENTS / "sqlalchemy_client.py", url]
    path = {"PYTHONPATH": str(BUILD / "clients-sqlalchemy")}
    run(*client, "migrate", env=path)
    start_worker().wait_ready()
    run(*client, "write", env=path)
    request = {"user_id": 42, "path": "/item/1"}
    assert contexts(item) == [
        ("CREATE", "1", request, "INSERT"),
        ("UPDATE", "1", request, "UPDATE"),
        ("DELETE", "1", {"worker": "nightly"}, "DELETE"),
    ]


def test_bemi_django(item: Database, start_worker: StartWorker) -> None:
    url = make_url(item.url)
    client: list[str | Path] = [sys.executable, CLIENTS / "django_client.py"]
    place = f"{url.host},{url.port},{url.username},{url.database}"
    path = {"PYTHONPATH": str(BUILD / "clients-django")}
    run(*client, place, "migrate", env=path)
    start_worker().wait_ready()
    run(*client, place, "write", env=path)
    request = {"user_id": 42, "path": "/edit"}
    assert contexts(item) == [
        ("CREATE", "1", request, "INSERT"),
        ("UPDATE", "1", request, "UPDATE"),
        ("DELETE", "1", request, "DELETE"),
    ]


def test_bemi_prisma(item: Database, start_worker: StartWorker, tmp_path: Path) -> None:
    prisma = CLIENTS / "prisma"
    modules = prisma / "node_modules"
    (tmp_path / "prisma" / "migrations").mkdir(parents=True)
    cli = modules / "@bemi-db" / "prisma" / "dist" / "cli.js"
    run("node", cli, "migration:create", cwd=tmp_path)
    [migration] = tmp_path.glob("prisma/migrations/*/migration.sql")
    item.sql(migration.read_text())
    start_worker().wait_ready()
    run("node", prisma / "client.js", env={"DATABASE_URL": item.url}, cwd=prisma)
    seen = contexts(item)
    written = [(operation, key) for operation, key, _, _ in seen]
    assert written[:2] == [("CREATE", "1"), ("UPDATE", "1")]
    # Its statements of one transaction: in which order it sends them is the client's affair.
    assert sorted(written[2:]) == [("CREATE", "2"), ("CREATE", "3"), ("DELETE", "1")]
    assert all(context == {"user_id": 42, "note": "it's 100 %"} for _, _, context, _ in seen)
