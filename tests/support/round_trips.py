"""A TCP proxy in front of a server that counts round trips: how often a client waits for an answer."""

from __future__ import annotations

import selectors
import socket
import threading
from types import TracebackType


class RoundTrips:
    """Forwards to 127.0.0.1:`port`; `count` rises when a client speaks after the server did."""

    def __init__(self, port: int) -> None:
        self.count = 0
        self.client_bytes = b""  # all that clients said since the last reset
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self) -> None:
        self.count = 0
        self.client_bytes = b""

    def _accept(self) -> None:
        while not self._closing:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        selector = selectors.DefaultSelector()
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        server_spoke = True
        try:
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(1 << 16)  # type: ignore[union-attr]
                    if not data:
                        return
                    if key.fileobj is client:
                        self.count += server_spoke
                        self.client_bytes += data
                    server_spoke = key.fileobj is server
                    key.data.sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            server.close()

    def __enter__(self) -> RoundTrips:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing = True
        self._listener.close()
