"""A terminal of a given width, as `bemi` sees it when a person runs it."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping

from support.bemi import binary


def in_terminal(width: int, *arguments: str, env: Mapping[str, str]) -> str:
    """What the command writes to a terminal of that width, without its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    with subprocess.Popen(
        [binary(), *arguments],
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", **env},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE,
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            written += piece
        os.close(ours)
        _, error = process.communicate()
    assert process.returncode == 0, error
    return written.decode().replace("\r\n", "\n")
