"""A pgbouncer in transaction mode in front of a server: no two transactions share a session."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

START_TIMEOUT_SECONDS = 10


class PgBouncer:
    def __init__(self, target_port: int) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._home = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        config = self._home / "pgbouncer.ini"
        config.write_text(
            f"[databases]\n* = host=127.0.0.1 port={target_port} user=postgres\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nunix_socket_dir =\n"
            "auth_type = any\npool_mode = transaction\ndefault_pool_size = 2\n"
            f"ignore_startup_parameters = extra_float_digits\nlogfile = {self._home}/log\n"
        )
        command = ["pgbouncer", "-q", str(config)]
        if os.geteuid() == 0:  # it refuses to run as root
            shutil.chown(self._home, "nobody")
            command[1:1] = ["-u", "nobody"]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        self._wait_ready()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise RuntimeError(f"pgbouncer did not start:\n{(self._home / 'log').read_text()}")

    def __enter__(self) -> PgBouncer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)
