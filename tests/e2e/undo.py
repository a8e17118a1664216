"""What the tests of undoing share: users who write, and `bemi revert` as a value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg

from support.bemi import bemi
from support.fixtures import Database

Plan = dict[str, Any]


@dataclass(frozen=True)
class Undo:
    """A tracked database, and the commands on it."""

    database: Database

    def as_user(self, user: int, *statements: str) -> int:
        """One transaction with its context; tells its id."""
        with psycopg.connect(self.database.url) as connection:
            context = json.dumps({"user_id": user})
            connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", [context])
            for statement in statements:
                connection.execute(statement.encode())
            row = connection.execute("select pg_current_xact_id()::text").fetchone()
            assert row is not None
            return int(row[0])

    def plan(self, *flags: str) -> Plan:
        done = self.run("revert", *flags)
        assert done.stdout, done.stderr
        return dict(json.loads(done.stdout))

    def apply(self, *flags: str, expect: int = 0) -> Plan:
        """Plans, and applies exactly that plan."""
        plan = self.plan(*flags)
        done = self.run("revert", *flags, "--apply", plan["digest"])
        assert done.returncode == expect, (done.stderr, plan)
        return dict(json.loads(done.stdout)) if done.stdout else {"error": done.stderr}

    def run(self, command: str, *flags: str) -> Any:
        env = {"BEMI_SOURCE_URL": self.database.url}
        return bemi(command, *flags, "--format", "json", env=env, check=False)

    def rows(self, table: str) -> list[str]:
        """All rows as their exact text, in a canonical order."""
        return sorted(text for (text,) in self.database.sql(f"select the_row::text from {table} the_row"))


def conflicts(plan: Plan) -> list[tuple[str, str | None]]:
    return sorted((c["kind"], c["primary_key"]) for c in plan["conflicts"])
