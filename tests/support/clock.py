"""A server that lives at another time: `server.env = at("-70d")`, then launch it again."""

from __future__ import annotations

from pathlib import Path


def at(offset: str) -> dict[str, str]:
    """The environment of a program whose clock is ahead, or behind, by so much: "-70d", "+2h"."""
    [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
    return {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
