# SPDX-License-Identifier: LGPL-3.0-or-later
"""What a measurement ran on: a figure without it means nothing."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from support.postgres import available


def machine() -> dict[str, object]:
    return {
        "processors": len(os.sched_getaffinity(0)),
        "model": found("/proc/cpuinfo", r"model name\s*:\s*(.+)"),
        "memory, GB": round(int(found("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) / 1e6, 1),
        "kernel": platform.release(),
        "PostgreSQL": available()[-1],
        "load before the end": round(os.getloadavg()[2], 1),
    }


def found(path: str, pattern: str) -> str:
    match = re.search(pattern, Path(path).read_text())
    return match[1].strip() if match else ""
