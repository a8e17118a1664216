"""Runs clang-tidy on what changed since it last passed.

usage: tidy.py [--all | --changed] [FILE...]

A source is checked again when it, one of our files that it includes, its command line or .clang-tidy has changed. The
command lines are those of the preset "unit", where each source is compiled by itself.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "src"
BUILD = ROOT / "build" / "unit"
STAMPS = BUILD / "clang-tidy"
TIDY = "clang-tidy-19"
# The most changed files to look at: after a change of everything, a test run must not take minutes for this.
CHANGED_MAX = 12
INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)
# The commands are g++'s; clang does not know every warning in them.
EXTRA = ("--extra-arg=-Wno-unknown-warning-option",)


@dataclass(frozen=True)
class Source:
    path: Path
    key: str  # of all that the verdict depends on

    @property
    def stamp(self) -> Path:
        return STAMPS / self.path.relative_to(ROOT).as_posix().replace("/", "-")

    @property
    def is_known_clean(self) -> bool:
        return self.stamp.exists() and self.stamp.read_text() == self.key


def sources() -> list[Source]:
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    paths = {Path(entry["file"]): entry["command"] for entry in entries}
    return [
        Source(path, key_of(command, included(path)))
        for path, command in paths.items()
        if path.is_relative_to(SOURCES)
    ]


def included(path: Path) -> list[Path]:
    """The file, and those of ours that it includes, and so on; of what is generated, the statements it is made of."""
    found, todo = {path}, [path]
    while todo:
        for name in INCLUDE.findall(todo.pop().read_text()):
            header = SOURCES / name
            statements = sorted((header.parent / "sql").glob("*.sql")) if header.name == "sql.hpp" else []
            new = {one for one in (header, *statements) if one.exists()} - found
            found |= new
            todo += [one for one in new if one.suffix == ".hpp"]
    return sorted(found)


def key_of(command: str, dependencies: list[Path]) -> str:
    digest = hashlib.sha256(command.encode())
    for path in sorted([*dependencies, ROOT / ".clang-tidy"]):
        digest.update(path.as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def changed_files() -> set[Path]:
    """Of the working tree, and of the last commit where the clone has the one before."""
    found: set[Path] = set()
    for since in ("HEAD", "HEAD~1"):
        command = ["git", "diff", "--name-only", since, "--", "src"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode == 0:
            found |= {ROOT / name for name in done.stdout.splitlines()}
    return found


def is_clean(source: Source) -> bool:
    command: list[str | Path] = [TIDY, "--quiet", "-p", BUILD, *EXTRA, source.path]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        print(done.stdout or done.stderr, flush=True)
        return False
    source.stamp.parent.mkdir(parents=True, exist_ok=True)
    source.stamp.write_text(source.key)
    return True


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="clang-tidy on what changed")
    parser.add_argument("--all", action="store_true", help="also what passed before")
    parser.add_argument(
        "--changed", action="store_true", help="of what the working tree and the last commit changed"
    )
    parser.add_argument("files", nargs="*", type=Path, help="only these")
    options = parser.parse_args(arguments)
    wanted = {path.resolve() for path in options.files}
    if options.changed:
        wanted = changed_files()
    todo = [
        source
        for source in sources()
        if (source.path in wanted or (not wanted and not options.changed))
        and (options.all or not source.is_known_clean)
    ]
    if options.changed and len(todo) > CHANGED_MAX:
        print(f"{len(todo) - CHANGED_MAX} more have changed: ./dev lint tidy looks at all", flush=True)
        todo = todo[:CHANGED_MAX]
    print(f"{len(todo)} to check", flush=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = list(pool.map(is_clean, todo))
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
