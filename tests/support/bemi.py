"""The real `bemi` binary under test: `bemi(...)` for a command, `Worker` for `bemi run`.

    with Worker.start("--source", url) as worker:
        worker.wait_ready()
        bemi("sync", "--source", url)

Both see only the environment that a test gives them, never the developer's own BEMI_* and PG*.
`BEMI_BINARY` names another binary than the one that ./dev built.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).resolve().parent.parent.parent
COMMAND_TIMEOUT_SECONDS = 120
READY_TIMEOUT_SECONDS = 60

# The log line that says: the slot is made, whatever is committed from now on will be stored.
READY_LINE = r"\bstreaming \S+ from "


class BemiError(AssertionError):
    """A command or worker that ended otherwise than the test wants, with what it said."""


def binary() -> Path:
    if named := os.environ.get("BEMI_BINARY"):
        return Path(named).resolve()
    for folder in ("bin", "dev/bin", "dev/src/cli"):
        path = REPOSITORY / "build" / folder / "bemi"
        if path.exists():
            return path
    raise BemiError("there is no bemi binary: run ./dev build")


def bemi(
    *args: str,
    env: Mapping[str, str] | None = None,
    check: bool = True,
    timeout: float = COMMAND_TIMEOUT_SECONDS,
    stdin: str = "",
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end; with `check`, any exit code but 0 fails the test."""
    done = subprocess.run(
        [binary(), *args],
        env=_environment(env),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
    )
    if check and done.returncode != 0:
        raise BemiError(f"bemi {' '.join(args)}: exit code {done.returncode}\n{done.stderr}")
    return done


class Worker:
    """A running `bemi run`, or another command that stays up, and what it writes to stderr."""

    def __init__(self, process: subprocess.Popen[bytes], log_file: Path, log_begins: int) -> None:
        self.process = process
        self.log_file = log_file  # may hold the words of others that ran before
        self._log_begins = log_begins

    @classmethod
    def start(
        cls,
        *flags: str,
        command: str = "run",
        env: Mapping[str, str] | None = None,
        log_file: Path | None = None,
        cwd: Path | None = None,
    ) -> Worker:
        if log_file is None:
            handle, name = tempfile.mkstemp(prefix="bemi-worker-", suffix=".log")
            os.close(handle)
            log_file = Path(name)
        with log_file.open("ab") as log:
            log_begins = log.tell()
            process = subprocess.Popen(
                [binary(), command, *flags],
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=cwd,
            )
        return cls(process, log_file, log_begins)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def lines(self) -> list[str]:
        """What it has said so far."""
        return self.log_file.read_bytes()[self._log_begins :].decode(errors="replace").splitlines()

    def wait_ready(self, timeout: float = READY_TIMEOUT_SECONDS) -> Worker:
        self.wait_for_line(READY_LINE, timeout)
        return self

    def wait_for_line(self, pattern: str, timeout: float = READY_TIMEOUT_SECONDS) -> str:
        """The first log line that matches; fails when the worker ends or the time is over."""
        deadline = time.monotonic() + timeout
        while True:
            was_running = self.is_running  # asked before reading: the last words count
            for line in self.lines():
                if re.search(pattern, line):
                    return line
            if not was_running:
                raise BemiError(f"the worker ended ({self.process.returncode}):\n{self._tail()}")
            if time.monotonic() > deadline:
                raise BemiError(f"no line like {pattern!r} in {timeout} s:\n{self._tail()}")
            time.sleep(0.02)

    def wait(self, timeout: float = READY_TIMEOUT_SECONDS) -> int:
        """Waits for the worker to end by itself; tells its exit code."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise BemiError(f"the worker still runs after {timeout} s:\n{self._tail()}") from None

    def kill9(self) -> None:
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """It does nothing meanwhile, and goes on after."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def terminate(self, timeout: float = 30) -> int:
        """Asks it to end, as systemd does; tells its exit code."""
        if self.is_running:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except BemiError:
            self.kill9()
            raise

    def rss_peak_kb(self) -> int:
        """The most memory that it has had so far."""
        return self._memory_kb("VmHWM")

    def rss_kb(self) -> int:
        """The memory that it has now."""
        return self._memory_kb("VmRSS")

    def _memory_kb(self, field: str) -> int:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
        if found is None:
            raise BemiError(f"the worker has ended:\n{self._tail()}")
        return int(found[1])

    def cpu_seconds(self) -> float:
        """The processor time that it has used so far, in user and kernel mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _tail(self, count: int = 30) -> str:
        return "\n".join(self.lines()[-count:])

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self.is_running:
            return
        if error is None:
            self.terminate()
        else:
            self.kill9()


def _environment(given: Mapping[str, str] | None) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("BEMI_", "PG"))}
    return inherited | dict(given or {})
