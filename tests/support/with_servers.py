"""Runs a command with one PostgreSQL server per major up, for tests that are not Python.

usage: with_servers.py -- COMMAND...

BEMI_TEST_SERVERS tells the command where they are, oldest major first:
`14=postgresql://postgres@127.0.0.1:20014/postgres 15=postgresql://...`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from support.postgres import INSTALLED, Server, available


def main(command: list[str]) -> int:
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(Server.start(major)) for major in available()]
        urls = " ".join(f"{server.major}={server.url()}" for server in servers)
        extra = {"BEMI_TEST_SERVERS": urls, "BEMI_TEST_PG_ROOT": str(INSTALLED)}
        return subprocess.run(command, env=os.environ | extra).returncode


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(arguments[1:] if arguments[:1] == ["--"] else arguments))
