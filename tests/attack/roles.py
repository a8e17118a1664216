"""Roles as an attacker has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from support.fixtures import Database


@dataclass(frozen=True)
class Role:
    """A role of `database`'s cluster, and what it may do when it has logged in."""

    database: Database
    name: str

    @property
    def url(self) -> str:
        return self.database.server.url(self.database.name, user=self.name)

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self.url, autocommit=True)

    def sql(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    @property
    def is_superuser(self) -> bool:
        asked = "select rolsuper from pg_roles where rolname = %s"
        return bool(self.database.sql(asked, self.name)[0][0])
