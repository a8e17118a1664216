"""Checks what keeps the source tree readable: which layer includes which, sizes, headers, calls.

usage: layers.py [ROOT]

The layers stand in `src/layers.txt`, in the order of the data flow, each with what it may include:
`query: base change pg store/schema.hpp`. A name of a header permits that header alone. One line can
be excepted by a comment that gives the reason: `// lint-ok: the reason`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bans import banned
from cpp_text import functions, includes, line_of, without_comments_and_literals

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
SPDX = "// SPDX-License-Identifier: LGPL-3.0-or-later"
EXCEPTION = re.compile(r"// lint-ok: \S")
TEST_FILE = re.compile(r"_(test|pgtest|fuzz|bench|sim)\.[ch]pp$")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
LIBPQ = re.compile(r"^(libpq-fe\.h|libpq/.*|pg_config.*\.h|postgres_ext\.h)$")


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


@dataclass
class Layers:
    """The table of src/layers.txt: what each layer may include, its own headers aside."""

    allowed: dict[str, set[str]]

    def may_include(self, layer: str, header: str) -> bool:
        folder = header.partition("/")[0]
        permitted = self.allowed.get(layer, set())
        return folder == layer or folder in permitted or header in permitted


def read_layers(path: Path, findings: list[Finding]) -> Layers:
    layers = Layers({})
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        layer = words[0].rstrip(":")
        for dependency in words[1:]:
            # Only what stands above may be named: the table is in flow order and has no cycle.
            if dependency.partition("/")[0] not in layers.allowed:
                message = f"{layer} may not use {dependency}, which is no layer above it"
                findings.append(Finding(str(path), number, message))
        layers.allowed[layer] = set(words[1:])
    return layers


def check_tree(root: Path) -> list[Finding]:
    findings: list[Finding] = []
    src = root / "src"
    layers = read_layers(src / "layers.txt", findings)
    for folder in sorted(path.name for path in src.iterdir() if path.is_dir()):
        if folder not in layers.allowed:
            findings.append(Finding(f"src/{folder}", 1, "is not in src/layers.txt"))
    for path in cpp_files(src):
        findings += check_file(layers, path.relative_to(src).as_posix(), path.read_text())
    for path in text_files(root):
        findings += unfinished(path.relative_to(root).as_posix(), path.read_text())
    return sorted(findings)


def cpp_files(src: Path) -> Iterable[Path]:
    return sorted(path for path in src.rglob("*") if path.suffix in (".cpp", ".hpp"))


def text_files(root: Path) -> Iterator[Path]:
    """Our own sources of every language."""
    skipped = {"node_modules", "dist", "__pycache__", "corpus"}
    for folder in ("src", "tests", "tools", "python", "web", "bench", "examples", "contracts"):
        for path in sorted((root / folder).rglob("*")):
            is_source = path.suffix in (".cpp", ".hpp", ".py", ".sh", ".sql", ".ts", ".tsx", ".js")
            if is_source and not skipped & set(path.parts):
                yield path


def check_file(layers: Layers, name: str, text: str) -> list[Finding]:
    """The findings of one file; `name` is its path below src/."""
    code = without_comments_and_literals(text)
    lines = text.splitlines()
    found = [
        *check_includes(layers, name, text),
        *check_opening(name, lines),
        *check_bans(name, code),
        *check_sizes(name, code),
    ]
    return [
        Finding(f"src/{name}", line, message)
        for line, message in found
        if not (line <= len(lines) and EXCEPTION.search(lines[line - 1]))
    ]


def check_includes(layers: Layers, name: str, text: str) -> Iterator[tuple[int, str]]:
    layer = name.partition("/")[0]
    for include in includes(text):
        owner = include.path.partition("/")[0]
        if LIBPQ.match(include.path) and layer != "pg":
            yield include.line, f"only src/pg includes {include.path}"
        if not include.is_ours:
            continue
        if owner not in layers.allowed:
            yield include.line, f'"{include.path}" names no layer: includes are written from src/'
        elif not layers.may_include(layer, include.path):
            yield include.line, f"{layer} may not include {include.path} (src/layers.txt)"
        elif "/detail/" in include.path and owner != layer:
            yield include.line, f"{include.path} is private to {owner}"


def check_opening(name: str, lines: list[str]) -> Iterator[tuple[int, str]]:
    """A licence, in a header then a word on what it is for, and the include guard."""
    if not lines or lines[0] != SPDX:
        yield 1, f"the first line is `{SPDX}`"
    if not name.endswith(".hpp"):
        return
    comment = [line.removeprefix("//").strip() for line in lines[1:10] if line.startswith("//")]
    if not any(comment):
        yield 2, "a header begins by saying what it is for"
    if "#pragma once" not in lines:
        yield 1, "a header has #pragma once"


def check_bans(name: str, code: str) -> Iterator[tuple[int, str]]:
    if TEST_FILE.search(name):
        return
    for offset, message in banned(name, code):
        yield line_of(code, offset), message
    if name.endswith(".hpp"):
        for match in re.finditer(r"\busing\s+namespace\b", code):
            yield line_of(code, match.start()), "a header opens no namespace for its readers"


def check_sizes(name: str, code: str) -> Iterator[tuple[int, str]]:
    if TEST_FILE.search(name):
        return
    length = code.count("\n")
    if length > FILE_LINES_MAX:
        yield 1, f"{length} lines in one file: at most {FILE_LINES_MAX}"
    for function in functions(code):
        if function.length > FUNCTION_LINES_MAX:
            yield (
                function.line,
                f"{function.name} has {function.length} lines: at most {FUNCTION_LINES_MAX}",
            )


def unfinished(name: str, text: str) -> Iterator[Finding]:
    for match in UNFINISHED.finditer(text):
        yield Finding(name, line_of(text, match.start()), f"{match[0]}: finish it or leave it out")


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent.parent
    findings = check_tree(root)
    for finding in findings:
        print(finding)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
