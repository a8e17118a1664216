"""A disk that is full for one program: see `full_disk.c`.

disk = FullDisk(folder)
Worker.start(env=disk.env(spool_folder))
disk.fill(); ...; disk.free()
"""

from __future__ import annotations

import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class FullDisk:
    def __init__(self, home: Path) -> None:
        """`home`: a folder that everybody can read, for the library and the flag."""
        self._library = home / "full_disk.so"
        self._flag = home / "disk_is_full"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", SOURCE, "-o", self._library, "-ldl"], check=True)

    def env(self, folder: Path) -> dict[str, str]:
        """For a program whose writes below `folder` are to fail."""
        return {
            "LD_PRELOAD": str(self._library),
            "FULL_DISK_UNDER": str(folder),
            "FULL_DISK_WHILE": str(self._flag),
        }

    def fill(self) -> None:
        self._flag.touch()

    def free(self) -> None:
        self._flag.unlink()
