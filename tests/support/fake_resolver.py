"""A name server that lies to one program: see `fake_resolver.c`."""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


def lying(home: Path, name: str, *answers: list[str]) -> dict[str, str]:
    """For a program that is to find `name` at these addresses, one answer after the other."""
    library = home / "fake_resolver.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", SOURCE, "-o", library, "-ldl"], check=True)
    return {
        "LD_PRELOAD": str(library),
        "FAKE_NAME": name,
        "FAKE_ADDRESSES": ";".join(",".join(answer) for answer in answers),
    }
