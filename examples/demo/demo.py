# SPDX-License-Identifier: LGPL-3.0-or-later
"""The whole of Bemi in one minute: a private PostgreSQL, the worker, the to-do app, real HTTP.

Everything lives in a temporary folder and is stopped at the end. Run by ./dev demo.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

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

    def bemi(self, *arguments: str) -> None:
        # A table too new for the history is waited for, not guessed at.
        for _ in range(50):
            done = subprocess.run(
                [str(BEMI), *arguments],
                text=True,
                capture_output=True,
                env={**os.environ, "BEMI_SOURCE_URL": self.url},
            )
            if done.returncode == 0:
                if done.stdout:
                    say(done.stdout)
                return
            time.sleep(0.2)
        sys.exit(done.stderr)

    def psql(self, statement: str) -> None:
        if shutil.which("psql"):
            subprocess.run(["psql", "--quiet", self.url, "-c", statement], check=True)
            return
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

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
    say("① Starting a private PostgreSQL and the worker")
    demo.start_database_and_worker()
    say("② Starting the to-do app (examples/todo-fastapi)")
    demo.start_app()
    say("③ POST /todo ×3, PUT /todo/2/complete, DELETE /todo/3, as user 187234\n")
    demo.drive()
    demo.bemi("sync", "--timeout", "30")
    say("   bemi changes --table todo\n")
    demo.bemi("changes", "--table", "todo")
    statement = "UPDATE todo SET task = 'Sleep well' WHERE id = 1"
    say(f"④ Behind the app's back, by psql: {statement}\n")
    demo.psql(statement)
    demo.bemi("sync", "--timeout", "30")
    demo.bemi("changes", "--table", "todo", "--limit", "1")
    say(f"⑤ The dashboard, signed in by this link:\n\n   {demo.dashboard}\n")


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
            say(f"The app is at {demo.app.base_url}/docs, the database at\n{demo.url}\nCtrl-C ends it.")
            signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        demo.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
