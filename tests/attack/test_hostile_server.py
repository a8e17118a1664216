"""Who answers at the address of a database need not be one: no command waits for ever, whatever is sent."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from support.bemi import bemi

ANSWERS = {
    "asks for the password again and again": b"R" + struct.pack("!ii", 8, 3),
    "says something now and then": b"N" + struct.pack("!i", 17) + b"SWARNING\0Mx\0\0",
    "sends half a message": b"R",
}


class Endless:
    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                one, _ = self.listener.accept()
                threading.Thread(target=self.answer_for_ever, args=(one,), daemon=True).start()

    def answer_for_ever(self, one: socket.socket) -> None:
        with suppress(OSError), one:
            if one.recv(8)[4:] == struct.pack("!i", 80877103):
                one.sendall(b"N")  # no TLS
            while not self.ended.wait(0.2):
                one.sendall(self.answer)

    def close(self) -> None:
        self.ended.set()
        self.listener.close()


@pytest.fixture(params=ANSWERS)
def endless(request: pytest.FixtureRequest) -> Iterator[Endless]:
    server = Endless(ANSWERS[request.param])
    yield server
    server.close()


def test_a_server_that_never_lets_in_is_left(endless: Endless) -> None:
    url = f"postgresql://user:secret@127.0.0.1:{endless.port}/shop?connect_timeout=1"
    said = bemi("check", env={"BEMI_SOURCE_URL": url}, check=False)
    assert said.returncode not in (0, None)
    assert "secret" not in said.stdout + said.stderr
    assert "hint: " in said.stderr or "fix: " in said.stdout, said
