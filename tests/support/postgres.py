"""Real PostgreSQL servers for tests: a `Server` is one throw-away cluster of any supported major.

    with Server.start(18) as server:
        url = server.create_database("shop")
        server.sql("create table todo (id int primary key)", dbname="shop")

A cluster is copied from a template that `initdb` made once per major and run, listens on 127.0.0.1
and in a private socket directory, and is stopped by its own process id. Everything lives in one
folder under /tmp that goes away with the run; `BEMI_KEEP_SERVERS=1` keeps it for a look inside, and
`BEMI_SERVERS_IN_MEMORY=1` makes it in memory, as `./dev test` does; a benchmark measures a disk.
`BEMI_TEST_PG=14,18` narrows the majors.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, TypedDict
from urllib.parse import quote

import psycopg

from support.waiting import wait_until

Auth = Literal["trust", "scram"]
StopMode = Literal["smart", "fast", "immediate"]

INSTALLED = Path(__file__).resolve().parent.parent / "servers" / "node_modules"
RUN_PREFIX = "bemi-test-"
DISK, MEMORY = Path("/tmp"), Path("/dev/shm")
MEMORY_WANTED_BYTES = 8 << 30  # the tests of large values and of backlogs fill gigabytes
START_TIMEOUT_SECONDS = 60
STOP_TIMEOUT_SECONDS = 30

DEFAULT_SETTINGS = {
    "wal_level": "logical",
    "max_wal_senders": "20",
    "max_replication_slots": "20",
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # a test's cluster need not survive a power cut
    "shared_buffers": "32MB",  # several servers run side by side
    "log_line_prefix": "%m [%p] %q%a ",
}

STOP_SIGNALS = {
    "smart": signal.SIGTERM,
    "fast": signal.SIGINT,
    "immediate": signal.SIGQUIT,
}


def available() -> list[int]:
    """The installed majors, oldest first, narrowed by BEMI_TEST_PG."""
    installed = sorted(
        int(folder.name.removeprefix("pg"))
        for folder in INSTALLED.glob("pg[0-9]*")
        if (folder / "native/bin/postgres").exists()
    )
    wanted = os.environ.get("BEMI_TEST_PG", "")
    majors = {int(word) for word in wanted.replace(",", " ").split()} or set(installed)
    if missing := majors - set(installed):
        raise RuntimeError(f"PostgreSQL {sorted(missing)} is not installed: run ./dev test")
    return [major for major in installed if major in majors]


class Server:
    """One cluster. Superuser `postgres`; its password matters only with auth="scram"."""

    host = "127.0.0.1"
    superuser = "postgres"
    password = "postgres"

    def __init__(self, major: int, port: int, home: Path, auth: Auth) -> None:
        self.major = major
        self.port = port
        self.auth = auth
        self.home = home
        self.data_dir = home / "data"
        self.socket_dir = home
        self.log_file = home / "server.log"
        self.bindir = bindir_of(major)
        self.env: dict[str, str] = {}  # of the next launch, beside the usual
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(
        cls,
        major: int,
        settings: dict[str, str] | None = None,
        port: int | None = None,
        auth: Auth = "trust",
    ) -> Server:
        """A new, empty cluster that accepts connections."""
        home = Path(tempfile.mkdtemp(prefix=f"pg{major}-", dir=_run_dir()))
        _give_away(home)
        server = cls(major, port or _free_port(), home, auth)
        _copy(_template(major), server.data_dir)
        server._configure({**DEFAULT_SETTINGS, **(settings or {})})
        server.launch()
        if auth == "scram":
            server.sql(f"alter role {cls.superuser} password '{cls.password}'")
        return server

    @classmethod
    def copy_of(cls, other: Server) -> Server:
        """A stopped copy of a stopped cluster, on a port of its own."""
        assert not other.is_running, "a copy of files in use is no cluster"
        home = Path(tempfile.mkdtemp(prefix=f"pg{other.major}-", dir=_run_dir()))
        _give_away(home)
        server = cls(other.major, _free_port(), home, other.auth)
        _copy(other.data_dir, server.data_dir)
        server._configure({})
        return server

    def configure(self, settings: dict[str, str]) -> None:
        """Takes effect with the next launch."""
        self._configure(settings)

    def give_away_data(self) -> None:
        """Files that the test wrote below the data directory become the server's."""
        for path in [self.data_dir, *self.data_dir.rglob("*")]:
            _give_away(path)

    def launch(self) -> None:
        """Starts the stopped or killed cluster again, on the same port and data."""
        assert self._process is None, "the server runs already"
        service = _service(self.home)
        service["env"] = {**service["env"], **self.env}
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [self.bindir / "postgres", "-D", self.data_dir],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then stop their servers
                **service,
            )
        self._wait_ready()

    def stop(self, mode: StopMode = "fast") -> None:
        """Shuts down in the given mode; the data stays, so that `launch` goes on with it."""
        if self._process is None:
            return
        self._process.send_signal(STOP_SIGNALS[mode])
        try:
            self._process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise RuntimeError(f"did not stop ({mode}):\n{self.log_tail()}") from None
        self._process = None

    def kill9(self) -> None:
        """A crash: the postmaster and all its children die at once, without a last word."""
        assert self._process is not None, "the server does not run"
        victims = [self._process.pid, *_children(self._process.pid)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None
        # A survivor would hold the shared memory and keep the next launch from starting.
        _wait_until(lambda: all(_is_gone(pid) for pid in victims), STOP_TIMEOUT_SECONDS)

    def restart(self, mode: StopMode = "fast") -> None:
        self.stop(mode)
        self.launch()

    def close(self) -> None:
        """Stops at once and removes the cluster."""
        if self._process is not None:
            self.stop("immediate")
        if not _keep():
            shutil.rmtree(self.home, ignore_errors=True)

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def url(
        self,
        dbname: str = "postgres",
        user: str = superuser,
        password: str | None = None,
    ) -> str:
        if password is None and self.auth == "scram" and user == self.superuser:
            password = self.password
        secret = f":{quote(password, safe='')}" if password is not None else ""
        name = quote(dbname, safe="")
        return f"postgresql://{quote(user, safe='')}{secret}@{self.host}:{self.port}/{name}"

    def connect(self, dbname: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """An autocommitting superuser session, over the socket so that no password is asked."""
        return psycopg.connect(
            host=str(self.socket_dir),
            port=self.port,
            user=self.superuser,
            dbname=dbname,
            autocommit=True,
        )

    def drop_slot(self, name: str) -> None:
        """Once its walsender has noticed that the worker is gone."""
        drop = (
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots"
            " where slot_name = %s and not active"
        )
        wait_until(lambda: self.sql(drop, name), f"the slot {name} is let go")

    def sql(self, statement: str, *params: object, dbname: str = "postgres") -> list[tuple[Any, ...]]:
        """Runs `statement`; `%s` stands for the parameters, when there are any."""
        with self.connect(dbname) as connection:
            cursor = connection.execute(statement.encode(), params or None)
            return cursor.fetchall() if cursor.description else []

    def create_database(self, name: str) -> str:
        """Makes an empty database and tells its URL."""
        self.sql(f'create database "{name}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops the database with its sessions and replication slots."""
        slots = "from pg_replication_slots where database = %s"
        active = f"select slot_name {slots} and active"
        self.sql(f"select pg_terminate_backend(active_pid) {slots} and active", name)
        _wait_until(lambda: not self.sql(active, name), STOP_TIMEOUT_SECONDS)
        self.sql(f"select pg_drop_replication_slot(slot_name) {slots}", name)
        self.sql(f'drop database if exists "{name}" with (force)')

    @contextlib.contextmanager
    def without_autovacuum(self) -> Iterator[None]:
        """It takes transaction ids and writes WAL whenever it likes."""
        running = "select from pg_stat_activity where backend_type like 'autovacuum%'"
        self.sql("alter system set autovacuum = off")
        self.sql("select pg_reload_conf()")
        try:
            wait_until(lambda: not self.sql(running), "autovacuum ends")
            yield
        finally:
            self.sql("alter system reset autovacuum")
            self.sql("select pg_reload_conf()")

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log_file.read_text(errors="replace").splitlines()[-lines:])

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Server(major={self.major}, port={self.port})"

    def _configure(self, settings: dict[str, str]) -> None:
        own = {"port": str(self.port), "unix_socket_directories": str(self.socket_dir)}
        with (self.data_dir / "postgresql.conf").open("a") as file:
            for name, value in {**settings, **own}.items():
                quoted = value.replace("'", "''")
                file.write(f"{name} = '{quoted}'\n")
        method = "scram-sha-256" if self.auth == "scram" else "trust"
        (self.data_dir / "pg_hba.conf").write_text(
            "local all         all trust\n"
            "local replication all trust\n"
            f"host  all         all 127.0.0.1/32 {method}\n"
            f"host  replication all 127.0.0.1/32 {method}\n"
        )

    def _wait_ready(self) -> None:
        assert self._process is not None
        ready = _wait_until(lambda: self._reported_ready() or not self.is_running, START_TIMEOUT_SECONDS)
        if ready and self.is_running:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        self._process = None
        raise RuntimeError(f"PostgreSQL {self.major} did not start:\n{self.log_tail()}")

    def _reported_ready(self) -> bool:
        """The postmaster's own word. The file of a killed predecessor names another process."""
        try:
            lines = (self.data_dir / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"


class _Service(TypedDict, total=False):
    """How a server's programs are started: arguments of subprocess."""

    cwd: Path
    env: dict[str, str]
    user: int
    group: int
    extra_groups: list[int]


@functools.cache
def _account() -> pwd.struct_passwd | None:
    """Who runs the servers. PostgreSQL refuses root, who therefore lends it somebody else."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise RuntimeError("root needs a user `postgres` or `nobody` to run PostgreSQL as")


def _service(cwd: Path) -> _Service:
    service: _Service = {"cwd": cwd, "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}}
    if account := _account():
        service |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    return service


def _give_away(path: Path) -> None:
    if account := _account():
        os.chown(path, account.pw_uid, account.pw_gid)


@functools.cache
def _run_dir() -> Path:
    """This run's folder; its name tells the process that owns it."""
    _sweep()
    path = Path(tempfile.mkdtemp(prefix=f"{RUN_PREFIX}{os.getpid()}-", dir=_where_servers_live()))
    _give_away(path)
    atexit.register(_end_run, path)
    return path


def _where_servers_live() -> Path:
    """In memory where that is wanted and there is room.

    A cluster is 1,000 small files, and each costs a disk's file system some work.
    """
    is_roomy = (
        bool(os.environ.get("BEMI_SERVERS_IN_MEMORY"))
        and MEMORY.is_dir()
        and os.access(MEMORY, os.W_OK)
        and shutil.disk_usage(MEMORY).free >= MEMORY_WANTED_BYTES
    )
    return MEMORY if is_roomy else DISK


def _end_run(path: Path) -> None:
    _stop_leftovers(path)
    if not _keep():
        shutil.rmtree(path, ignore_errors=True)


def _sweep() -> None:
    """Ends what a killed run left behind: only folders whose owner is gone."""
    for path in [*DISK.glob(f"{RUN_PREFIX}*-*"), *MEMORY.glob(f"{RUN_PREFIX}*-*")]:
        owner = path.name.removeprefix(RUN_PREFIX).split("-")[0]
        is_ours = path.is_dir() and os.access(path, os.W_OK)
        if is_ours and owner.isdigit() and not Path("/proc", owner).exists() and not _keep():
            _end_run(path)


def _stop_leftovers(path: Path) -> None:
    for pid_file in path.glob("*/data/postmaster.pid"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(pid_file.read_text().splitlines()[0])
            command = Path(f"/proc/{pid}/cmdline").read_text()
            if str(pid_file.parent) in command:  # not somebody who got the number since
                os.kill(pid, signal.SIGQUIT)
                _wait_until(functools.partial(_is_gone, pid), 5)


@functools.cache
def bindir_of(major: int) -> Path:
    """The programs of a major, where the account that runs the servers can reach them."""
    native = INSTALLED / f"pg{major}" / "native"
    if not (native / "bin/postgres").exists():
        raise RuntimeError(f"PostgreSQL {major} is not installed: run ./dev test")
    program = native / "bin/postgres"
    if subprocess.run(["test", "-x", program], **_service(Path("/"))).returncode == 0:
        return native / "bin"
    # The checkout is in a private home folder.
    copy = _run_dir() / f"native-{major}"
    _copy(native, copy)
    return copy / "bin"


@functools.cache
def _template(major: int) -> Path:
    template = _run_dir() / f"template-{major}"
    command: list[str | Path] = [
        bindir_of(major) / "initdb",
        f"--pgdata={template}",
        f"--username={Server.superuser}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
    ]
    done = subprocess.run(command, capture_output=True, text=True, **_service(_run_dir()))
    if done.returncode != 0:
        raise RuntimeError(f"initdb of PostgreSQL {major} failed:\n{done.stdout}{done.stderr}")
    return template


def _copy(source: Path, target: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", source, target], check=True)


def _free_port() -> int:
    """Below the range from which the kernel lends ports to clients: none takes it meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((Server.host, port))
            return port


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _is_gone(pid: int) -> bool:
    """Whether the process has ended, even if nobody has asked for its exit code yet."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


def _keep() -> bool:
    return bool(os.environ.get("BEMI_KEEP_SERVERS"))


def _wait_until(condition: Callable[[], object], timeout_seconds: float) -> bool:
    """Whether `condition` came true in time."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
