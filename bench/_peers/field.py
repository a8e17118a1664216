# SPDX-License-Identifier: LGPL-3.0-or-later
"""The two servers, the changes that wait, and the slots that tools read them from."""

from __future__ import annotations

import time

import psycopg
from drain import Bench

from support.postgres import Server

SLOT = "peer"
PUBLICATION = "bemi_app"  # one for all: the worker made it, and set the tables to tell whole rows
AUDIT = """create table audit (
  n bigint generated always as identity primary key,
  "table" text not null,
  operation text not null,
  before jsonb,
  after jsonb,
  lsn bigint not null,
  committed_at timestamptz not null
)"""
ITEM_LOG = """create table item_log (
  seq bigint generated always as identity primary key,
  id int,
  owner int,
  note text,
  n numeric,
  at timestamptz,
  __op text,
  __source_lsn bigint,
  __source_ts_ms bigint,
  __deleted text
)"""
WAIT_SECONDS = 120


class Field:
    def __init__(self, changes: int, size: int, source: Server, destination: Server) -> None:
        self.changes = changes
        self.source, self.destination = source, destination
        self.bench = Bench(changes, size, source, destination)
        self.bench.prepare()
        self.bench.remember_start()
        destination.create_database("audit")
        destination.sql(AUDIT, dbname="audit")
        destination.sql(ITEM_LOG, dbname="audit")

    @property
    def expected(self) -> dict[str, int]:
        tens = self.changes // 10
        return {"insert": 6 * tens, "update": 3 * tens, "delete": tens}

    def make_waiting_slot(self, plugin: str) -> None:
        """A slot in which all the changes wait."""
        self.source.sql(
            f"select pg_copy_logical_replication_slot('floor', '{SLOT}', false, '{plugin}')", dbname="app"
        )

    def make_new_slot(self) -> None:
        """A slot for what comes from now on."""
        self.source.sql(f"select pg_create_logical_replication_slot('{SLOT}', 'pgoutput')", dbname="app")

    def drop_slot(self, name: str = SLOT) -> None:
        self.wait_active(name, active=False)
        self.source.sql("select pg_drop_replication_slot(%s)", name)

    def wait_active(self, slot: str, active: bool = True) -> None:
        """Until a tool reads its slot, looked at often enough to take that for the moment it began."""
        deadline = time.monotonic() + WAIT_SECONDS
        with psycopg.connect(self.source.url("app"), autocommit=True) as connection:
            while True:
                row = connection.execute(
                    "select active from pg_replication_slots where slot_name = %s", (slot,)
                ).fetchone()
                if row is not None and row[0] == active:
                    return
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the slot {slot} is not {'read' if active else 'let go'}")
                time.sleep(0.005)

    def empty_destination(self) -> None:
        self.destination.sql("truncate audit, item_log restart identity", dbname="audit")
        self.destination.sql("checkpoint")
