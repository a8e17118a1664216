# SPDX-License-Identifier: LGPL-3.0-or-later
"""The live stream with many readers: how late a change reaches all of them, and what the server takes for it.

Latency is from just before the commit on the source to the event's arrival at each reader, worker included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from _report import save

from support.bemi import Worker
from support.dashboard import TOKEN, Dashboard, environment
from support.postgres import Server, available


class Reader:
    def __init__(self) -> None:
        self.arrived: dict[str, float] = {}
        self.events = 0

    async def run(self, url: str, query: str, ready: asyncio.Semaphore) -> None:
        place = urlsplit(url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 20)
        request = (
            f"GET /api/stream{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        )
        writer.write(request.encode())
        async for line in reader:
            if line.startswith(b"retry:"):
                ready.release()
            elif line.startswith(b"data: "):
                change = json.loads(line[6:])
                if change["operation"] == "CREATE":
                    self.events += 1
                    self.arrived[change["primary_key"]] = time.perf_counter()


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(
    url: str, database: str, worker: Worker, clients: int, changes: int, rate: float
) -> dict[str, float]:
    readers = [Reader() for _ in range(clients)]
    ready = asyncio.Semaphore(0)
    # A tenth of them have a filter of their own.
    tasks = [
        asyncio.create_task(reader.run(url, f"?without_context=key{i}" if i % 10 == 0 else "", ready))
        for i, reader in enumerate(readers)
    ]
    for _ in readers:
        await asyncio.wait_for(ready.acquire(), 60)
    await asyncio.sleep(1)
    cpu, began = cpu_seconds(worker.pid), time.perf_counter()
    sent: dict[str, float] = {}
    connection = await psycopg.AsyncConnection.connect(database, autocommit=True)
    for number in range(changes):
        sent[str(number)] = time.perf_counter()
        await connection.execute("insert into todo values (%s, 'something to do')", [number])
        await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))
    await connection.close()
    for _ in range(600):
        if all(reader.events >= changes for reader in readers):
            break
        await asyncio.sleep(0.1)
    took = time.perf_counter() - began
    late = [(at - sent[key]) * 1000 for reader in readers for key, at in reader.arrived.items()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    late.sort()
    return {
        "clients": clients,
        "events": sum(reader.events for reader in readers),
        "missing": clients * changes - sum(len(reader.arrived) for reader in readers),
        "p50_ms": statistics.median(late),
        "p99_ms": late[int(len(late) * 0.99)],
        "cpu_percent": (cpu_seconds(worker.pid) - cpu) / took * 100,
        "peak_mb": worker.rss_peak_kb() / 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20, help="changes a second")
    arguments = parser.parse_args()
    results = []
    with Server.start(available()[-1]) as server, tempfile.TemporaryDirectory() as folder:
        url = server.create_database("shop")
        server.sql("create table todo (id int primary key, task text)", dbname="shop")
        names = ("clients", "events", "missing", "p50 ms", "p99 ms", "CPU %", "peak MB")
        print("".join(f"{name:>9}" for name in names))
        for clients in sorted({1, arguments.clients}):
            worker = Worker.start(env=environment(url), log_file=Path(folder) / f"{clients}.log").wait_ready()
            dashboard = Dashboard(worker)
            server.sql("truncate todo", dbname="shop")
            found = asyncio.run(
                measure(dashboard.url, url, worker, clients, arguments.changes, arguments.rate)
            )
            dashboard.client.close()
            worker.terminate()
            results.append(found)
            print(
                f"{clients:>9}{found['events']:>9}{found['missing']:>9}{found['p50_ms']:>9.0f}"
                f"{found['p99_ms']:>9.0f}{found['cpu_percent']:>9.1f}{found['peak_mb']:>9.1f}"
            )
    save("stream", results)


if __name__ == "__main__":
    main()
