"""The seeds of random work."""

from __future__ import annotations

import os
import random
import zlib


def printed_seed() -> int:
    """BEMI_TEST_SEED runs one again. `./dev test` takes the same for a test each time, so that it fails for what
    changed; `./dev matrix` and a test run by itself take a new one. Printed: pytest shows it with a failure."""
    given = os.environ.get("BEMI_TEST_SEED")
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    if given:
        chosen = int(given)
    elif os.environ.get("BEMI_TEST_SOME_MAJORS"):
        chosen = zlib.crc32(test.encode()) >> 2
    else:
        chosen = random.randrange(1 << 30)
    print(f"BEMI_TEST_SEED={chosen}")
    return chosen
