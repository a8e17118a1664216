# SPDX-License-Identifier: LGPL-3.0-or-later
"""A real server with a history of nine days, tracked and served by the real binary.

Prints one JSON line, {"url", "token", "database", "sql"}, and stays up until its stdin closes. What is posted
to the address `sql` is run on the source, and answered when its changes are stored.
"""

from __future__ import annotations

import datetime
import json
import random
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.bemi import Worker, bemi  # noqa: E402
from support.postgres import Server, available  # noqa: E402

TOKEN = "a-seeded-token-that-is-long-enough-to-be-one"
KEY = "a key that seals the secrets of the tests"
DAYS = 9
SEED = 7
STEPS = 900
USERS = ["187234", "42", "7", "1001"]
TASKS = ["Sleep", "Eat", "Repeat", "Call the bank", "Water the plants", "Write the report", "Book a flight"]
HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
# Another service, with a database of its own, and its history in the same place.
BILLING = "create table invoice (id int primary key, payment int, total numeric(12, 2), state text)"
ODD_SCHEMA = '"Odd ""Schema"""'
ODD_TABLE = ODD_SCHEMA + '."<b>Od d</b>"'
SCHEMA = f"""
create table todo (id int primary key, task text not null, is_completed bool not null default false,
                   user_id int, notes text, created_at timestamptz not null default now());
create table payment (id int primary key, amount numeric(12, 2), currency text, details jsonb, status text);
create table project (id int primary key, name text, members int[]);
create schema {ODD_SCHEMA};
create table {ODD_TABLE} ("a<i>b" text primary key, "v""al" text);
insert into project select i, 'Project ' || i, array[i, i + 1] from generate_series(1, 8) i;
"""


class Story:
    """Transactions of an application, one after the other."""

    def __init__(self, url: str, billing: str, seed: int) -> None:
        self.random = random.Random(seed)
        self.connection = psycopg.connect(url)
        self.billing = psycopg.connect(billing)
        self.todo = 0
        self.payment = 0

    def transaction(self, context: dict[str, object] | None, *statements: str) -> None:
        with self.connection.transaction():
            for statement in statements:
                if context is not None:
                    message = json.dumps({**context, "SQL": statement})
                    self.connection.execute("select pg_logical_emit_message(true, '_bemi', %s)", [message])
                self.connection.execute(statement.encode())

    def context(self, method: str, endpoint: str, user: str | None = None) -> dict[str, object]:
        return {
            "user_id": int(user or self.random.choice(USERS)),
            "method": method,
            "endpoint": endpoint,
            "request_id": str(uuid.UUID(int=self.random.getrandbits(128), version=4)),
            "trace_id": f"{self.random.getrandbits(128):032x}",
        }

    def add_todo(self, user: str | None = None) -> None:
        self.todo += 1
        task = self.random.choice(TASKS)
        context = self.context("POST", "/todo", user)
        notes = self.random.choice(["null", "'before noon'", "'with care, please'"])
        self.transaction(
            context,
            "insert into todo (id, task, user_id, notes) "
            f"values ({self.todo}, '{task}', {context['user_id']}, {notes})",
        )

    def change_todo(self) -> None:
        key = self.random.randint(1, max(self.todo, 1))
        kind = self.random.random()
        if kind < 0.5:
            context = self.context("PUT", "/todo/{id}/complete")
            self.transaction(context, f"update todo set is_completed = not is_completed where id = {key}")
        elif kind < 0.85:
            context = self.context("PATCH", "/todo/{id}")
            task = self.random.choice(TASKS)
            self.transaction(context, f"update todo set task = '{task} again', notes = null where id = {key}")
        else:
            self.transaction(self.context("DELETE", "/todo/{id}"), f"delete from todo where id = {key}")

    def pay(self) -> None:
        self.payment += 1
        amount = self.random.randint(100, 99_999) / 100
        details = json.dumps({"card": "visa", "tries": self.random.randint(1, 3), "tags": ["web", "eu"]})
        insert = (
            f"insert into payment values ({self.payment}, {amount:.2f}, 'EUR', '{details}', 'authorised')"
        )
        settle = f"update payment set status = 'settled' where id = {self.payment}"
        # Nightly jobs here pass no context: something for the coverage to show.
        context = self.context("POST", "/checkout") if self.random.random() < 0.7 else None
        todo = self.random.randint(1, max(self.todo, 1))
        self.transaction(context, insert, settle, f"update todo set notes = 'paid' where id = {todo}")
        if context is not None:
            self.invoice(context, amount)

    def invoice(self, context: dict[str, object], amount: float) -> None:
        """What the same request does in the other database."""
        with self.billing.transaction():
            message = json.dumps({**context, "service": "billing"})
            self.billing.execute("select pg_logical_emit_message(true, '_bemi', %s)", [message])
            self.billing.execute(
                "insert into invoice values (%s, %s, %s, 'sent')", [self.payment, self.payment, amount]
            )

    def step(self) -> None:
        choice = self.random.random()
        if choice < 0.35 or self.todo < 30:
            self.add_todo()
        elif choice < 0.8:
            self.change_todo()
        else:
            self.pay()

    def odd_ones(self) -> None:
        context = {"user_id": HOSTILE, "endpoint": HOSTILE, "javascript:alert(1)": "javascript:alert(1)"}
        quoted = HOSTILE.replace("'", "''")
        self.transaction(context, f"insert into {ODD_TABLE} values ('{quoted}', '{quoted}')")
        self.transaction(context, f'update {ODD_TABLE} set "v""al" = \'"}};alert(1)//\'')
        exact = '{"n": 12345678901234567890.10, "__proto__": {"x": 1}}'
        self.transaction(
            self.context("POST", "/checkout", "42"),
            f"insert into payment values (100000, 1.50, 'EUR', '{exact}', 'authorised')",
        )


def moments(count: int, seed: int) -> list[datetime.datetime]:
    """Rising times over the last days, more by day than by night."""
    chance = random.Random(seed)
    now = datetime.datetime.now(datetime.UTC)
    found: list[datetime.datetime] = []
    while len(found) < count:
        moment = now - datetime.timedelta(days=DAYS * chance.random())
        if chance.random() < (1.0 if 8 <= moment.hour <= 18 else 0.15):
            found.append(moment)
    return sorted(found)


def spread(url: str, seed: int) -> None:
    """What happened in seconds, told as if it had been days."""
    with psycopg.connect(url) as connection:
        last = connection.execute("select date_trunc('month', now() - interval '20 days')::date").fetchone()
        assert last is not None
        name = f"changes_{last[0]:%Y_%m}"
        following = connection.execute("select %s::date + interval '1 month'", [last[0]]).fetchone()
        exists = connection.execute("select to_regclass(%s)", [f"public.{name}"]).fetchone()
        if exists == (None,) and following is not None:
            connection.execute(
                f"create table {name} partition of changes for values from ('{last[0]}') "
                f"to ('{following[0]:%Y-%m-%d}')"
            )
        positions = [
            p
            for (p,) in connection.execute(
                "select distinct commit_position from changes where source = 'shop' order by 1"
            )
        ]
        connection.execute("create temp table moved (commit_position bigint, at timestamptz)")
        with (
            connection.cursor() as cursor,
            cursor.copy("copy moved from stdin") as copy,
        ):
            for position, at in zip(positions, moments(len(positions), seed), strict=True):
                copy.write_row((position, at))
        connection.execute(
            "update changes c set effective_at = at, committed_at = at, queued_at = at, created_at = at "
            "from moved m where m.commit_position = c.commit_position and c.source = 'shop'"
        )
        connection.execute(
            "update changes c set effective_at = s.at, committed_at = s.at, queued_at = s.at, "
            "created_at = s.at "
            "from (select context ->> 'request_id' as request, max(effective_at) as at from changes "
            "where source = 'shop' group by 1) s "
            "where c.source = 'billing' and c.context ->> 'request_id' = s.request"
        )
        connection.execute(
            "update _bemi.key_change c set effective_at = at from moved m "
            "where m.commit_position = c.commit_position"
        )
        old = f"now() - interval '{DAYS} days 1 hour'"
        connection.execute(f"update _bemi.epoch set began_at = {old}")
        connection.execute(f"update _bemi.coverage set since = {old}")
        connection.execute(f"update _bemi.relation_version set effective_at = {old}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze changes")


class Statements(BaseHTTPRequestHandler):
    """Runs what tests post."""

    database = ""

    def do_POST(self) -> None:
        statement = self.rfile.read(int(self.headers["Content-Length"]))
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute(statement)
        bemi("sync", "--timeout", "60", env={"BEMI_SOURCE_URL": self.database})
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


def start_control(server: Server) -> tuple[Worker, dict[str, str]]:
    """A server that manages sources, with a history of its own; and a database for it to track."""
    history, source = server.create_database("managed"), server.create_database("gadgets")
    server.sql("create table gizmo (id int primary key); create table gadget (id int)", dbname="gadgets")
    env = {"BEMI_DESTINATION_URL": history, "BEMI_HTTP_TOKEN": TOKEN, "BEMI_SECRET_KEY": KEY}
    control = Worker.start("--http", "127.0.0.1:0", command="serve", env=env)
    line = control.wait_for_line("the dashboard is at ")
    return control, {"url": line.split("the dashboard is at ")[1].strip(), "source": source}


def main() -> None:
    with Server.start(available()[-1]) as server:
        url = server.create_database("shop")
        billing = server.create_database("billing")
        server.sql(SCHEMA, dbname="shop")
        server.sql(BILLING, dbname="billing")
        worker = Worker.start(
            "--http",
            "127.0.0.1:0",
            "--webhook-allow",
            "127.0.0.0/8",
            env={"BEMI_SOURCE_URL": url, "BEMI_HTTP_TOKEN": TOKEN, "BEMI_SECRET_KEY": KEY},
        ).wait_ready()
        line = worker.wait_for_line("the dashboard is at ")
        other = {"BEMI_SOURCE_URL": billing, "BEMI_DESTINATION_URL": url}
        biller = Worker.start(env=other).wait_ready()
        story = Story(url, billing, SEED)
        for _ in range(STEPS):
            story.step()
        story.odd_ones()
        bemi("sync", "--timeout", "120", env={"BEMI_SOURCE_URL": url})
        bemi("sync", "--timeout", "120", env=other)
        spread(url, SEED)
        Statements.database = url
        statements = ThreadingHTTPServer(("127.0.0.1", 0), Statements)
        threading.Thread(target=statements.serve_forever, daemon=True).start()
        control, controlled = start_control(server)
        places = {
            "control": controlled,
            "url": line.split("the dashboard is at ")[1].strip(),
            "token": TOKEN,
            "database": url,
            "sql": f"http://127.0.0.1:{statements.server_port}",
        }
        print(json.dumps(places), flush=True)
        sys.stdin.read()
        statements.shutdown()
        story.connection.close()
        story.billing.close()
        biller.terminate()
        control.terminate()
        worker.terminate()


if __name__ == "__main__":
    main()
