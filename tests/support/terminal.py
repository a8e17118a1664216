"""A terminal of a given width, as `bemi` sees it when a person runs it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.bemi import binary


def run_in_terminal(
    command: Sequence[str | Path], width: int, env: Mapping[str, str]
) -> tuple[int, str, str]:
    """Exit code, what the command writes to a terminal of that width, and its standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    with subprocess.Popen(
        command, env=env, stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.PIPE
    ) as process:
        os.close(theirs)
        written = b""
        with contextlib.suppress(OSError):  # how Linux says that the other end is closed
            while piece := os.read(ours, 65536):
                written += piece
        os.close(ours)
        _, error = process.communicate()
    return process.returncode, written.decode().replace("\r\n", "\n"), error.decode()


def in_terminal(width: int, *arguments: str, env: Mapping[str, str]) -> str:
    """What `bemi` writes to a terminal of that width, without its colours."""
    env = {"PATH": os.environ["PATH"], "NO_COLOR": "1", **env}
    code, written, error = run_in_terminal([binary(), *arguments], width, env)
    assert code == 0, error
    return written
