"""./dev fuzz http --seconds N: half of the time with a token, half as a stranger."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from fuzz_http.place import KEY, SCHEMA, fill
from fuzz_http.requests import ask_at_random, unforeseen
from support.bemi import Worker
from support.dashboard import TOKEN, Dashboard, environment
from support.postgres import Server, available


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    failed = False
    began = time.monotonic()
    with Server.start(available()[-1]) as server, tempfile.TemporaryDirectory() as home:
        url = server.create_database("fuzz")
        server.sql(SCHEMA, dbname="fuzz")
        log = Path(home) / "bemi.log"
        env = environment(url, BEMI_SECRET_KEY=KEY)
        with Worker.start(log_file=log, env=env) as worker:
            dashboard = Dashboard(worker.wait_ready())
            fill(server, "fuzz", url)
            for token in (TOKEN, None):
                result = ask_at_random(
                    dashboard.url, arguments.seconds // 2, seed=arguments.seed, token=token
                )
                who = "with a token" if token else "as a stranger"
                print(f"{who}: {result}")
                if result.code != 0:
                    failed = True
                    print(result.output)
            failed = failed or not worker.is_running or dashboard.client.get("/healthz").status_code != 200
            dashboard.close()
        for line in unforeseen(log.read_text(errors="replace")):
            failed = True
            print(line)
    print(f"{'failed' if failed else 'nothing found'} in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
