"""Random transactions on a source, each with its number as context, and snapshots of what they left."""

from __future__ import annotations

import contextlib
import json
import random
import threading
import time
from dataclasses import dataclass, field

import psycopg

SCHEMA = """
create table account (id int primary key, owner text, balance numeric);
create table pair (a int, b text, n int, primary key (b, a));
create table line (n int, note text);
create table doc (id int primary key, n int, body text);
create sequence ids;
"""
TABLES = ["account", "pair", "line", "doc"]

ONE_STATEMENT = [
    "insert into account select nextval('ids'), 'o' || %(n)s, 1.50 from generate_series(1, %(few)s)",
    "update account set balance = balance + 1 where id %% 7 = %(seven)s",
    "update account set id = id + 10000000 where id %% 97 = %(n)s %% 97 and id < 10000000",
    "delete from account where id %% 11 = %(seven)s",
    "insert into pair select %(n)s, 'é' || nextval('ids'), 0 from generate_series(1, %(few)s)",
    "update pair set n = n + 1 where a %% 7 = %(seven)s",
    "update pair set b = b || '!' where a %% 31 = %(n)s %% 31 and length(b) < 20",
    "delete from pair where a %% 5 = %(seven)s",
    "insert into line select %(seven)s, 'same' from generate_series(1, %(few)s)",
    "update line set note = 'x' || %(seven)s where n = %(seven)s",
    "delete from line where ctid in (select ctid from line limit 3)",
    "insert into doc select nextval('ids'), 1, (select string_agg(md5(random()::text), '') "
    "from generate_series(1, 200)) from generate_series(1, %(few)s)",
    "update doc set n = n + 1 where id %% 7 = %(seven)s",
    "delete from doc where id %% 5 = %(seven)s",
]
LARGE = "insert into account select nextval('ids'), repeat('large', 20), 0 from generate_series(1, 3000)"
THINNING = "delete from account where owner like 'large%%'"


@dataclass
class Outcome:
    """By (writer, number) of a transaction."""

    committed: set[tuple[int, int]] = field(default_factory=set)
    unknown: set[tuple[int, int]] = field(default_factory=set)  # the commit's answer was lost
    changed: set[tuple[int, int]] = field(default_factory=set)  # of those: changed at least a row


class Writer(threading.Thread):
    def __init__(self, url: str, seed: int, writer: int, outcome: Outcome) -> None:
        super().__init__(daemon=True)
        self.url, self.writer, self.outcome = url, writer, outcome
        self.random = random.Random(f"{seed}/{writer}")
        self.stopping = False
        self.number = 0

    def run(self) -> None:
        while not self.stopping:
            try:
                # As an option: what SET says is rolled back with the first transaction.
                options = "-c lock_timeout=2s"
                with psycopg.connect(self.url, connect_timeout=5, options=options) as connection:
                    while not self.stopping:
                        self.transaction(connection)
                        time.sleep(self.random.uniform(0, 0.01))
            except psycopg.OperationalError:
                time.sleep(0.1)  # the source is down: somebody's fault

    def transaction(self, connection: psycopg.Connection) -> None:
        self.number += 1
        name = (self.writer, self.number)
        try:
            changed = self.statements(connection)
        except (
            psycopg.errors.LockNotAvailable,
            psycopg.errors.DeadlockDetected,
            psycopg.errors.UniqueViolation,
        ):
            connection.rollback()
            return
        if self.random.random() < 0.1:
            connection.rollback()
            return
        self.outcome.unknown.add(name)
        if changed:
            self.outcome.changed.add(name)
        if self.random.random() < 0.1:
            self.commit_in_two_phases(connection)
        else:
            connection.commit()
        self.outcome.unknown.discard(name)
        self.outcome.committed.add(name)

    def commit_in_two_phases(self, connection: psycopg.Connection) -> None:
        identifier = f"chaos_{self.writer}_{self.number}"
        connection.execute(f"prepare transaction '{identifier}'".encode())
        connection.commit()
        connection.autocommit = True
        try:
            connection.execute(f"commit prepared '{identifier}'".encode())
        finally:
            if not connection.closed:
                connection.autocommit = False

    def statements(self, connection: psycopg.Connection) -> bool:
        context = json.dumps({"writer": self.writer, "number": self.number})
        connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", (context,))
        changed = False
        for _ in range(self.random.randint(1, 4)):
            savepoint = self.random.random() < 0.2
            if savepoint:
                connection.execute("savepoint s")
            rows = self.statement(connection)
            if savepoint and self.random.random() < 0.5:
                connection.execute("rollback to savepoint s")
                rows = 0
            changed = changed or rows > 0
        return changed

    def statement(self, connection: psycopg.Connection) -> int:
        kind = self.random.random()
        if kind < 0.005:
            connection.execute("truncate line, pair")
            return 1
        if kind < 0.02:
            return connection.execute(LARGE).rowcount
        if kind < 0.03:
            return connection.execute(THINNING).rowcount
        values = {
            "n": self.random.randrange(1000),
            "seven": self.random.randrange(7),
            "few": self.random.choice([1, 1, 2, 10]),
        }
        return connection.execute(self.random.choice(ONE_STATEMENT).encode(), values).rowcount


@dataclass(frozen=True)
class Snapshot:
    """All tables at one moment, and which transactions are in it."""

    text: str  # pg_current_snapshot
    tables: dict[str, list[str]]  # each row's to_jsonb as text, sorted

    def shows(self, transaction_id: int) -> bool:
        lowest, next_one, open_ones = self.text.split(":")
        if transaction_id < int(lowest):
            return True
        return transaction_id < int(next_one) and str(transaction_id) not in open_ones.split(",")


def take_snapshot(url: str) -> Snapshot:
    with psycopg.connect(url, options="-c TimeZone=UTC", connect_timeout=5) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        # TRUNCATE heeds no snapshot: none may come between this one and the reading.
        connection.execute(f"lock table {', '.join(TABLES)} in access share mode".encode())
        [[text]] = connection.execute("select pg_current_snapshot()::text").fetchall()
        tables = {
            table: sorted(
                row[0] for row in connection.execute(f"select to_jsonb(t)::text from {table} t".encode())
            )
            for table in TABLES
        }
        return Snapshot(text, tables)


def finish_prepared(url: str, outcome: Outcome) -> None:
    """Commits what a fault left prepared."""
    with psycopg.connect(url, autocommit=True) as connection:
        prepared = connection.execute(
            "select gid from pg_prepared_xacts where database = current_database()"
        ).fetchall()
        for (identifier,) in prepared:
            connection.execute(f"commit prepared '{identifier}'".encode())
            with contextlib.suppress(ValueError):
                _, writer, number = identifier.split("_")
                outcome.unknown.add((int(writer), int(number)))
