# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole of Bemi in one minute: a private PostgreSQL, the worker, the to-do app, real HTTP.

Everything lives in a temporary folder and is stopped at the end. Run by ./dev demo.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from support.terminal import run_in_terminal

ROOT = Path(__file__).resolve().parents[2]
BEMI = ROOT / "build" / "bin" / "bemi"
POSTGRES_BIN = ROOT / "tests" / "servers" / "node_modules" / "pg17" / "native" / "bin"


def say(text: str) -> None:
    print(text, flush=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Demo:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        self.url = ""
        self.dashboard = ""
        self.app = httpx.Client(timeout=10)

    def start_database_and_worker(self) -> None:
        log = (self.folder / "bemi.log").open("w")
        worker = subprocess.Popen(
            [
                str(BEMI),
                "dev",
                "--directory",
                str(self.folder / "postgres"),
                "--postgres-bin",
                str(POSTGRES_BIN),
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        self.processes.append(worker)
        assert worker.stdout is not None
        self.url = worker.stdout.readline().strip()
        if not self.url:
            sys.exit(f"bemi dev did not start; see\n{(self.folder / 'bemi.log').read_text()}")
        self.dashboard = worker.stdout.readline().strip()
        self.bemi("sync", "--timeout", "30")

    def start_app(self) -> None:
        port = free_port()
        self.processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "main:app", "--port", str(port), "--log-level", "warning"],
                cwd=ROOT / "examples" / "todo-fastapi",
                env={**os.environ, "DATABASE_URL": self.url},
                start_new_session=True,
                text=True,
            )
        )
        self.app.base_url = httpx.URL(f"http://127.0.0.1:{port}")
        for _ in range(100):
            try:
                self.app.get("/todo").raise_for_status()
                return
            except httpx.TransportError:
                time.sleep(0.1)
        sys.exit("the to-do app did not start")

    def bemi(self, *arguments: str) -> str:
        """What the command shows to a person, with colours where they are seen."""
        env = os.environ | {"BEMI_SOURCE_URL": self.url}
        if not sys.stdout.isatty():
            env |= {"NO_COLOR": "1"}
        # A table too new for the history is waited for, not guessed at.
        for _ in range(50):
            code, written, error = run_in_terminal([BEMI, *arguments], 80, env)
            if code == 0:
                return written
            time.sleep(0.2)
        sys.exit(error)

    def show(self, *arguments: str) -> None:
        say(f"   $ bemi {shlex.join(arguments)}\n{self.bemi(*arguments)}")

    def psql(self, statement: str) -> None:
        if shutil.which("psql"):
            subprocess.run(["psql", "--quiet", self.url, "-c", statement], check=True)
            return
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def sql(self, statement: str) -> tuple[Any, ...]:
        """The first row."""
        import psycopg

        with psycopg.connect(self.url) as connection:
            row = connection.execute(statement.encode()).fetchone()
        assert row is not None
        return row

    def drive(self) -> None:
        user = {"X-User-Id": "187234"}
        for task in ("Sleep", "Eat", "Repeat"):
            self.app.post("/todo", json={"task": task}, headers=user).raise_for_status()
        self.app.put("/todo/2/complete", headers=user).raise_for_status()
        self.app.delete("/todo/3", headers=user).raise_for_status()

    def stop(self) -> None:
        self.app.close()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=15)


def show(demo: Demo) -> None:
    say("1. A private PostgreSQL, the worker, and the to-do app of examples/todo-fastapi\n")
    demo.start_database_and_worker()
    demo.start_app()
    say("2. User 187234 adds three tasks, completes one and deletes one, over HTTP\n")
    demo.drive()
    demo.bemi("sync", "--timeout", "30")
    demo.show("changes", "--table", "todo", "--limit", "5")
    (before,) = demo.sql("select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US')")
    statement = "UPDATE todo SET task = 'Sleep in' WHERE id = 1"
    say(f'3. Somebody changes a row behind the app\'s back\n\n   $ psql -c "{statement}"')
    demo.psql(statement)
    demo.bemi("sync", "--timeout", "30")
    demo.show("history", "todo", "1")
    say("4. The table as it was before that\n")
    demo.show("as-of", before, "todo")
    say("5. That change is undone: the row is as before, and the history says so\n")
    (transaction,) = demo.sql("select transaction_id from changes order by effective_at desc limit 1")
    demo.show("revert", "--transaction", str(transaction), "--apply")
    demo.bemi("sync", "--timeout", "30")
    demo.show("blame", "todo", "1")
    say("   The history is a table of your own database. By plain SQL:\n")
    demo.psql(
        "select primary_key, operation, after ->> 'task' as task, context ->> 'user_id' as user_id,"
        " committed_at::timestamp(0) from changes where \"table\" = 'todo' and operation <> 'SCHEMA'"
        " order by effective_at desc, sequence desc limit 5"
    )
    say(f"The dashboard, signed in by this link:\n\n   {demo.dashboard}\n")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--exit", action="store_true", help="end by itself")
    stay = not options.parse_args().exit and sys.stdin.isatty() and sys.stdout.isatty()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="bemi-demo-"))
    folder.chmod(0o755)  # the server's own user must reach its part
    demo = Demo(folder)
    try:
        show(demo)
        if stay:
            say(
                f"The app is at {demo.app.base_url}/docs. To ask on, in another terminal:\n\n"
                f"   export BEMI_SOURCE_URL={demo.url}\n"
                f"   {BEMI} changes --follow\n"
                f"   {BEMI} as-of '1 minute ago' todo\n\nCtrl-C ends it."
            )
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
