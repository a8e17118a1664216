"""The dashboard's server as a client sees it: `Dashboard` for requests, `Events` for the live stream."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx

from support.bemi import Worker

TOKEN = "a-token-of-the-tests-that-is-long-enough"
ADDRESS_LINE = r"the dashboard is at (http://\S+)"


class Dashboard:
    """Asks a running `bemi run --http` or `bemi serve`."""

    def __init__(self, worker: Worker, token: str = TOKEN) -> None:
        found = re.search(ADDRESS_LINE, worker.wait_for_line(ADDRESS_LINE))
        assert found is not None
        self.url = found[1]
        self.token = token
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60
        )

    def close(self) -> None:
        self.client.close()

    def get(self, path: str, **parameters: Any) -> Any:
        """The answer's JSON; anything but success fails the test."""
        response = self.client.get(path, params=parameters)
        assert response.status_code == 200, response.text
        return response.json()

    def changes(self, **parameters: Any) -> list[dict[str, Any]]:
        """All pages."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = self.get("/api/changes", **parameters, **({"cursor": cursor} if cursor else {}))
            found += page["changes"]
            cursor = page["next"]
            if cursor is None:
                return found

    @contextmanager
    def events(self, last: str | None = None, **parameters: Any) -> Iterator[Events]:
        headers = {"Last-Event-ID": last} if last else {}
        with self.client.stream("GET", "/api/stream", params=parameters, headers=headers) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream"
            events = Events(response.iter_lines())
            events.wait_open()
            yield events

    def raw(self, request: bytes) -> bytes:
        """The first answer to bytes as they are."""
        with self.connect() as connection:
            connection.sendall(request)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer

    def connect(self) -> socket.socket:
        place = urlsplit(self.url)
        return socket.create_connection((place.hostname or "", place.port or 0), timeout=60)


class Events:
    """A live stream's events, one at a time."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.last_id: str | None = None

    def wait_open(self) -> None:
        for line in self.lines:
            if line.startswith("retry:"):
                return
        raise AssertionError("the stream ended before it began")

    def next(self) -> dict[str, Any]:
        data: str | None = None
        identity: str | None = None
        for line in self.lines:
            if line.startswith("id: "):
                identity = line.removeprefix("id: ")
            elif line.startswith("data: "):
                data = line.removeprefix("data: ")
            elif line == "" and identity is not None:
                self.last_id, identity = identity, None
                if data is not None:
                    change: dict[str, Any] = json.loads(data)
                    return change
        raise AssertionError("the stream ended")

    def take(self, count: int) -> list[dict[str, Any]]:
        return [self.next() for _ in range(count)]


def environment(url: str, **more: str) -> Mapping[str, str]:
    return {"BEMI_SOURCE_URL": url, "BEMI_HTTP_TOKEN": TOKEN, "BEMI_HTTP": "127.0.0.1:0", **more}
