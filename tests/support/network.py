"""A bad network in front of a server: forwards until told to cut, stall, swallow answers or go slow."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from types import TracebackType

CHUNK = 1 << 14


class Network:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`; the faults are for all its connections."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open = threading.Event()  # clear: bytes wait, as on a line that is dead but not cut
        self._open.set()
        self._swallow = False  # the server's answers vanish
        self._bytes_per_second = 0  # 0: as fast as it goes
        self._refuse = False
        self._sockets: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """All connections break at once."""
        with self._lock:
            sockets, self._sockets = self._sockets, set()
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def unplug(self, seconds: float) -> None:
        """Broken, and nothing new gets through for a while."""
        self._refuse = True
        self.cut()
        time.sleep(seconds)
        self._refuse = False

    def hold(self) -> None:
        """From now on nothing arrives, and nothing breaks either; not even when an end is gone."""
        self._open.clear()

    def stall(self, seconds: float) -> None:
        """The same for a while."""
        self.hold()
        time.sleep(seconds)
        self._open.set()

    def limit(self, bytes_per_second: int) -> None:
        """Each connection in each direction; 0: as fast as it goes."""
        self._bytes_per_second = bytes_per_second

    def slow(self, seconds: float, bytes_per_second: int = 20_000) -> None:
        self.limit(bytes_per_second)
        time.sleep(seconds)
        self.limit(0)

    def lose_answers(self, seconds: float) -> None:
        """What was sent arrives and is done, but nobody hears of it; then the line breaks."""
        self._swallow = True
        time.sleep(seconds)
        self.cut()
        self._swallow = False

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuse:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._sockets |= {client, server}
            threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            back = threading.Thread(target=self._forward, args=(server, client, True), daemon=True)
            back.start()
            self._forward(client, server, False)
            back.join()

    def _forward(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(CHUNK):
                self._open.wait()
                if answers and self._swallow:
                    continue
                if speed := self._bytes_per_second:
                    time.sleep(len(data) / speed)
                target.sendall(data)
        self._open.wait()  # the news of an end is held up too, be it a close or a reset
        with self._lock:
            self._sockets -= {source, target}
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Network:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self._listener.close()
        self._open.set()
        self.cut()
