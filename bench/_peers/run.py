# SPDX-License-Identifier: LGPL-3.0-or-later
"""One run of one tool, as a process that is watched from outside.

Readers of our own are told by their environment: PEER_SOURCE_URL, PEER_SLOT, PEER_PUBLICATION; PEER_CHANGES, after
how many changes they are done, or 0: at the row whose `owner` is below zero; PEER_DESTINATION_URL, if they store;
PEER_SEEN, the file for `owner time` of each change they saw, if that is asked for; PEER_PROPERTIES, settings of the
library's own, as `name=value,...`. They say `first`, `half` and
`last`, and with the last one how many changes of each kind there were, and end when their input ends.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Protocol

from _report import cpu_of, rss_peak_mb

from _peers.field import PUBLICATION, SLOT, Field
from support.bemi import Worker, bemi

DRAIN_SECONDS = 900


class Run(Protocol):
    """A started tool. `half` is when half the changes were seen, and `counts` how many of each kind the tool saw,
    where it says so."""

    slot: str
    half: float | None

    def wait_first(self) -> None: ...
    def wait_last(self) -> None: ...
    def counts(self) -> dict[str, int] | None: ...
    def cpu(self) -> float: ...
    def peak_mb(self) -> float: ...
    def end(self) -> None: ...


class Reader:
    """One of our own small programs around a library."""

    slot = SLOT

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str], log: Path) -> None:
        self.half: float | None = None
        self.said: dict[str, int] | None = None
        self.log = log
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                command, cwd=cwd, env={**os.environ, **env}, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr,
            )  # fmt: skip

    def wait_word(self, wanted: str) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            word, _, more = line.strip().partition(" ")
            if word == "half":
                self.half = time.monotonic()
            if word == wanted:
                return more
        self.process.wait()
        raise RuntimeError(f"it ended:\n{self.log.read_text()[-2000:]}")

    def wait_first(self) -> None:
        self.wait_word("first")

    def wait_last(self) -> None:
        self.said = json.loads(self.wait_word("last"))

    def counts(self) -> dict[str, int] | None:
        return self.said

    def cpu(self) -> float:
        return cpu_of(self.process.pid)

    def peak_mb(self) -> float:
        return rss_peak_mb(self.process.pid)

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class UntilEnd:
    """A program that reads what there is and ends."""

    slot = SLOT
    half: float | None = None

    def __init__(self, command: list[str | Path], output: Path | None = None) -> None:
        with (output or Path(os.devnull)).open("wb") as stdout:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout)
        self.output = output
        self.ended_cpu = self.ended_mb = 0.0

    def wait_first(self) -> None:
        raise NotImplementedError("it does not say what it reads")

    def wait_last(self) -> None:
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        assert self.process.returncode == 0
        self.ended_cpu, self.ended_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024

    def cpu(self) -> float:
        return cpu_of(self.process.pid) if self.process.returncode is None else self.ended_cpu

    def peak_mb(self) -> float:
        return self.ended_mb

    def counts(self) -> dict[str, int] | None:
        if self.output is None:
            return None
        with self.output.open() as lines:
            return dict(Counter(json.loads(line)["op"] for line in lines))

    def end(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
            self.process.wait()


def receiver(field: Field) -> UntilEnd:
    """PostgreSQL's own pg_recvlogical to nothing, until the end of the changes."""
    return UntilEnd(field.bench.receive_command(SLOT, PUBLICATION, "proto_version=1"))


class Bemi:
    """The worker, to its table of changes."""

    slot = "bemi_app"
    half: float | None = None

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.worker = Worker.start(env=env)

    def wait_first(self) -> None:
        self.worker.wait_ready()
        bemi("sync", env=self.env)

    def wait_last(self) -> None:
        bemi("sync", env=self.env, timeout=DRAIN_SECONDS)

    def counts(self) -> dict[str, int] | None:
        return None

    def cpu(self) -> float:
        return self.worker.cpu_seconds()

    def peak_mb(self) -> float:
        return self.worker.rss_peak_kb() / 1024

    def end(self) -> None:
        self.worker.terminate()
