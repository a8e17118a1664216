# SPDX-License-Identifier: LGPL-3.0-or-later
"""The peers, put into build/peers by their registries' clients; the versions are in the files beside this one."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent
TARGET = SOURCES.parent.parent / "build" / "peers"
Command = list[str]

PIP = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
# Their folders here, and what makes them run there.
STEPS: dict[str, list[Command]] = {
    "debezium": [
        ["mvn", "-q", "-B", "dependency:copy-dependencies"],
        ["javac", "-nowarn", "-d", "classes", "-cp", "lib/*", "Reader.java", "Progress.java", "Table.java"],
    ],
    "go": [["go", "build", "-o", "reader", "."]],
    "node": [["npm", "ci", "--no-progress", "--no-fund", "--no-audit"]],
    "rivet": [[*PIP, "--target", ".", "-r", "requirements.txt"]],
    "server": [
        ["mvn", "-q", "-B", "dependency:unpack-dependencies"],
        [*PIP, "--target", "java", "-r", "requirements.txt"],
    ],
}
INSTALL_SECONDS = 900


class MissingError(Exception):
    """Why a peer is left out, in one line."""


def installed(name: str) -> Path:
    """The folder of a peer that is ready to run."""
    folder = TARGET / name
    stamp = folder / ".stamp"
    files = sorted(path for path in (SOURCES / name).iterdir() if path.is_file())
    key = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
    if stamp.exists() and stamp.read_text() == key:
        return folder
    for command in STEPS[name]:
        if shutil.which(command[0]) is None:
            raise MissingError(f"{command[0]} is not on this machine")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCES / name, folder)
    print(f"  installing {name} into {folder}", flush=True)
    for command in STEPS[name]:
        perform(command, folder)
    stamp.write_text(key)
    return folder


def perform(command: Command, folder: Path) -> None:
    log = folder / "install.log"
    with log.open("ab") as output:
        try:
            code = subprocess.run(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                timeout=INSTALL_SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            raise MissingError(f"{command[0]} took longer than {INSTALL_SECONDS} s: {log}") from None
    if code != 0:
        raise MissingError(f"{' '.join(command[:3])} failed: {log}")
