"""What the history must equal, judged by the source server alone."""

from __future__ import annotations

import json
from typing import Any

import psycopg

from support.bemi import bemi

Row = dict[str, Any]

COMMIT_ORDER = "order by epoch, commit_position, sequence"


def sync(source_url: str, destination_url: str | None = None, seconds: int = 60) -> None:
    """Waits until all that is committed now is in the history."""
    env = {"BEMI_SOURCE_URL": source_url}
    if destination_url:
        env["BEMI_DESTINATION_URL"] = destination_url
    bemi("sync", "--timeout", str(seconds), env=env, timeout=seconds + 60)


def history(url: str, where: str = "true") -> list[Row]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(f"select * from changes where {where} {COMMIT_ORDER}".encode())
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]


def live_rows(url: str, table: str) -> list[str]:
    """The table as it is, each row as the server's own to_jsonb, in a canonical order."""
    with psycopg.connect(url, options="-c TimeZone=UTC") as connection:
        rows = connection.execute(f"select to_jsonb(t) from {table} t".encode()).fetchall()
    return sorted(canonical(row[0]) for row in rows)


def replayed_rows(changes: list[Row], table: str) -> list[str]:
    """The table as the history alone says. Checks on the way that each `before` is the row that the
    change before it left."""
    rows: dict[str, Any] = {}
    for change in changes:
        if change["table"] != table:
            continue
        operation, key = change["operation"], change["primary_key"]
        if operation == "TRUNCATE":
            rows.clear()
            continue
        if operation in ("UPDATE", "DELETE"):
            old_key = str(change["before"]["id"])
            assert rows.pop(old_key) == change["before"], f"not what was before: {change}"
        if operation in ("CREATE", "UPDATE", "SNAPSHOT"):
            assert key not in rows, f"twice: {change}"
            rows[key] = change["after"]
    return sorted(canonical(row) for row in rows.values())


def now_of(url: str) -> str:
    """A moment after all that is committed now, up to which the history is complete when this returns."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select pg_logical_emit_message(true, '_bemi_fence', '')")
        row = connection.execute("select clock_timestamp()::text").fetchone()
    sync(url)
    return str(row[0]) if row else ""


def known_rows(url: str, when: str, table: str) -> list[str] | None:
    """As of then; None when the history says that it does not know."""
    said = bemi("as-of", when, table, "--format", "json", env={"BEMI_DESTINATION_URL": url}, check=False)
    if said.returncode != 0:
        return None
    return sorted(canonical(json.loads(line)) for line in said.stdout.splitlines())


def canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def assert_no_doubles(url: str) -> None:
    with psycopg.connect(url) as connection:
        doubled = connection.execute(
            "select epoch, commit_position, sequence, count(*) from changes "
            "group by source, epoch, commit_position, sequence having count(*) > 1"
        ).fetchall()
    assert doubled == []
