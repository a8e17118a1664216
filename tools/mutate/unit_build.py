"""Compiles one changed source and links it into its layer's unit tests, without touching the build.

Ninja says how a source is compiled and a test is linked (preset `unit`). The headers of a source are
compiled once, so that each mutant costs little; its object stands before the layers' archives,
whose own one the linker then leaves out.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "unit"
COMPILE_SECONDS = 300
# A test that takes so much longer than without a change goes round in circles.
TEST_TIMES = 10
TEST_SECONDS_MIN = 10


@dataclass(frozen=True)
class Outcome:
    kind: str  # "killed", "survived", "does not compile"


def layer_of(path: str) -> str:
    return path.split("/")[1]


class UnitBuild:
    """`paths`: the sources that are to be changed; the tests of their layers are built."""

    def __init__(self, paths: Iterable[str]) -> None:
        names = sorted({f"{layer_of(path)}_test" for path in paths})
        subprocess.run(["ninja", "-C", str(BUILD), *names], check=True, stdout=subprocess.DEVNULL)
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        self._compile = {entry["file"]: shlex.split(entry["command"]) for entry in commands}
        self._link = {name: self._link_command(name) for name in names}
        self._seconds: dict[str, float] = {}  # that each test may take

    def prepare(self, path: str, folder: Path) -> list[str]:
        """The command that compiles a source with these headers; the source is to be added."""
        words = self._compile[str(ROOT / path)]
        flags = [word for word in words[1:] if not word.startswith("-W")]
        flags = flags[: flags.index("-o")]
        directives = re.findall(r"^#include .*$", (ROOT / path).read_text(), re.MULTILINE)
        prefix = folder / "prefix.hpp"
        prefix.write_text("\n".join(directives) + "\n")
        header = [words[0], *flags, "-x", "c++-header", str(prefix), "-o", f"{prefix}.gch"]
        subprocess.run(header, cwd=BUILD, check=True, capture_output=True, timeout=COMPILE_SECONDS)
        return [words[0], *flags, "-w", "-include", str(prefix)]

    def try_source(self, compiler: list[str], path: str, text: str, folder: Path) -> Outcome:
        """What the tests say of `path` when it is `text`."""
        folder.mkdir()
        source, compiled = folder / "mutant.cpp", folder / "mutant.o"
        source.write_text(text)
        command = [*compiler, "-c", str(source), "-o", str(compiled)]
        if subprocess.run(command, cwd=BUILD, capture_output=True, timeout=COMPILE_SECONDS).returncode:
            return Outcome("does not compile")
        try:
            program = self._linked(f"{layer_of(path)}_test", compiled, folder)
        except subprocess.CalledProcessError:  # a statement that was a declaration, for example
            return Outcome("does not compile")
        run = [str(program), "--gtest_brief=1", "--gtest_fail_fast"]
        began = time.monotonic()
        seconds = self._seconds.get(program.name, COMPILE_SECONDS)
        try:
            done = subprocess.run(run, cwd=folder, capture_output=True, timeout=seconds)
        except subprocess.TimeoutExpired:
            return Outcome("killed")
        took = time.monotonic() - began
        self._seconds.setdefault(program.name, max(took * TEST_TIMES, TEST_SECONDS_MIN))
        return Outcome("survived" if done.returncode == 0 else "killed")

    def _linked(self, test: str, compiled: Path, folder: Path) -> Path:
        program = folder / test
        words = list(self._link[test])
        words[words.index("-o") + 1] = str(program)
        words.insert(next(i for i, word in enumerate(words) if word.endswith(".a")), str(compiled))
        subprocess.run(words, cwd=BUILD, check=True, capture_output=True, timeout=COMPILE_SECONDS)
        return program

    def _link_command(self, test: str) -> list[str]:
        commands = subprocess.run(
            ["ninja", "-t", "commands", test], cwd=BUILD, check=True, capture_output=True, text=True
        )
        # ": && LINK && what finds the tests in it"
        return shlex.split(commands.stdout.splitlines()[-1].split(" && ")[1])
