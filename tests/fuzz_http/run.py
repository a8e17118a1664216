"""./dev fuzz http --seconds N: a viewer, an operator, a stranger and an admin share the time."""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from fuzz_http.place import opened
from fuzz_http.requests import ask_at_random, unforeseen
from support.postgres import Server, available

# What the sanitizers keep of freed memory hides nothing else then.
SANITIZERS = "quarantine_size_mb=16:malloc_context_size=8"
# A server that has answered thousands of requests has all that it will need.
GROWTH_MAX_KB = 64 * 1024
PEAK_MAX_KB = 1024 * 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    os.environ.setdefault("ASAN_OPTIONS", SANITIZERS)
    wrong: list[str] = []
    began = time.monotonic()
    with Server.start(available()[-1]) as server, tempfile.TemporaryDirectory() as home:
        url = server.create_database("fuzz")
        log = Path(home) / "bemi.log"
        with opened(server, "fuzz", url, log) as place:
            after: list[int] = []
            # The admin last, who finds the users' names and removes them.
            for role in ("viewer", "operator", "nobody", "admin"):
                caller = place.callers[role]
                share = arguments.seconds // len(place.callers)
                result = ask_at_random(place.dashboard.url, share, caller, seed=arguments.seed)
                alive = place.worker.is_running
                after.append(place.worker.rss_kb() if alive else 0)
                print(f"{caller}: {result}; {after[-1] // 1024} MB", flush=True)
                if result.code != 0:
                    wrong.append(result.output)
                if alive and not place.knows(caller):
                    wrong.append(f"the server does not know the {role}")
            if not place.worker.is_running or place.dashboard.client.get("/healthz").status_code != 200:
                wrong.append("the server has ended")
            else:
                peak = place.worker.rss_peak_kb()
                print(f"memory: {peak // 1024} MB at most")
                if peak > PEAK_MAX_KB or after[-1] - after[0] > GROWTH_MAX_KB:
                    wrong.append(f"memory grows: {after} kB, {peak} kB at most")
        wrong += unforeseen(log.read_text(errors="replace"))
    for text in wrong:
        print(text)
    print(f"{'failed' if wrong else 'nothing found'} in {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
