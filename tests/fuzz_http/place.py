"""A running worker with a short history, as the weakest role that can be one, and those who ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from support.bemi import Worker, bemi
from support.dashboard import Dashboard
from support.postgres import Server

KEY = "a key that is long enough to be one, and secret"
PASSWORD = "correct horse battery"
SECRET = "what nobody else may see"
SCHEMA = "create table todo (id int primary key, task text, is_completed bool default false)"


@dataclass(frozen=True)
class Caller:
    """Who asks: what the server knows the role by, and the headers that say it."""

    role: str
    credential: str
    headers: dict[str, str]
    # Where it would take its own right away.
    skip: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"as {self.role}"


NOBODY = Caller("nobody", "", {})


@dataclass(frozen=True)
class Place:
    dashboard: Dashboard
    worker: Worker
    callers: dict[str, Caller]

    def knows(self, caller: Caller) -> bool:
        """Whether the server takes it for what it is."""
        answer = httpx.get(f"{self.dashboard.url}/api/session", headers=caller.headers, timeout=60)
        return (answer.json()["role"] if answer.status_code == 200 else "nobody") == caller.role


@contextmanager
def opened(server: Server, database: str, url: str, log: Path) -> Iterator[Place]:
    role = f"tracker_{database}"
    server.sql(SCHEMA, dbname=database)
    server.sql(f'create role "{role}" login replication', dbname=database)
    own = server.url(database, user=role)
    try:
        bemi("init", env={"BEMI_SOURCE_URL": own, "BEMI_ADMIN_URL": url})
        [[dashboards]] = server.sql(
            "select name from _bemi.role where purpose = 'dashboard'", dbname=database
        )
        server.sql(f'grant "{dashboards}" to "{role}"', dbname=database)
        env = {"BEMI_SOURCE_URL": own, "BEMI_HTTP": "127.0.0.1:0", "BEMI_SECRET_KEY": KEY}
        with Worker.start(log_file=log, env=env) as worker:
            worker.wait_ready()
            token = worker.wait_for_line(r"^http://\S+/#token=").split("#token=")[1].strip()
            dashboard = Dashboard(worker, token)
            fill(server, database, own)
            yield Place(dashboard, worker, callers_of(dashboard))
            dashboard.close()
    finally:
        server.sql(f'drop owned by "{role}" cascade', dbname=database)
        server.sql(f'drop role "{role}"', dbname=database)


def fill(server: Server, database: str, url: str) -> None:
    for number in range(20):
        message = f'{{"user_id": {number % 3}, "endpoint": "/todo"}}'
        server.sql(
            f"select pg_logical_emit_message(true, '_bemi', '{message}'); "
            f"insert into todo values ({number}, 'task {number}'); "
            f"update todo set task = '{SECRET}' where id = {number}",
            dbname=database,
        )
    bemi("sync", env={"BEMI_SOURCE_URL": url})


def callers_of(dashboard: Dashboard) -> dict[str, Caller]:
    token = {"Authorization": f"Bearer {dashboard.token}"}
    callers = {"nobody": NOBODY, "admin": Caller("admin", dashboard.token, token)}
    for role in ("viewer", "operator"):
        user = {"name": f"a {role}", "role": role, "password": PASSWORD}
        assert dashboard.client.post("/api/users", json=user).status_code == 204
        with httpx.Client(base_url=dashboard.url, timeout=60) as browser:
            entered = browser.post("/api/session", json={"name": user["name"], "password": PASSWORD})
            assert entered.status_code == 200, entered.text
            [cookie] = browser.cookies.jar
        headers = {"Cookie": f"{cookie.name}={cookie.value}", "X-Bemi-CSRF": entered.json()["csrf"]}
        callers[role] = Caller(role, cookie.value or "", headers, skip=("/api/session",))
    return callers
