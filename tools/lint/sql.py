"""Checks the SQL that is installed: it parses, its functions are short and fix their search_path.

usage: sql.py [ROOT]

PostgreSQL's own parser reads every file of `contracts/` and of a layer's `sql/`. All of it is ASCII, which every
database has. Released tables are only parsed: they stay as they were released. No program hides in a C++ string:
functions live in .sql files. One function may be longer by a line above it: `-- lint-ok: the reason`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pglast
from pglast import ast

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
COLUMNS_MAX = 120
SEARCH_PATH = ["pg_catalog", "pg_temp"]
EXCEPTION = re.compile(r"-- lint-ok: \S")
PLACEHOLDER = re.compile(r"@(\w+)@")
PROGRAM = re.compile(
    r"\bcreate\s+(or\s+replace\s+)?(function|procedure|trigger|event\s+trigger)\b|\bdo\s+\$", re.I
)
RAW_STRING = re.compile(r'R"(\w*)\((.*?)\)\1"', re.S)


@dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


def check_tree(root: Path) -> list[Finding]:
    findings: list[Finding] = []
    for path in sorted([*(root / "contracts").rglob("*.sql"), *(root / "src").rglob("*.sql")]):
        name = path.relative_to(root).as_posix()
        findings += check_file(name, path.read_text(), is_released="/tables/" in name)
    for path in sorted((root / "src").rglob("*.cpp")):
        findings += check_strings(path.relative_to(root).as_posix(), path.read_text())
    return sorted(findings)


def check_file(name: str, text: str, *, is_released: bool = False) -> list[Finding]:
    sql = PLACEHOLDER.sub(r"\1", text)
    try:
        statements = pglast.parse_sql(sql)
    except pglast.parser.ParseError as error:
        return [Finding(name, 1, f"PostgreSQL does not parse it: {error}")]
    if is_released:
        return []
    lines = text.splitlines()
    findings = [
        Finding(name, number, f"the line has {len(line)} columns, more than {COLUMNS_MAX}")
        for number, line in enumerate(lines, 1)
        if len(line) > COLUMNS_MAX
    ]
    findings += [
        Finding(name, number, "not ASCII: a database need not have this character")
        for number, line in enumerate(lines, 1)
        if not line.isascii()
    ]
    if len(lines) > FILE_LINES_MAX:
        findings.append(Finding(name, 1, f"the file has {len(lines)} lines, more than {FILE_LINES_MAX}"))
    for statement in statements:
        if isinstance(statement.stmt, ast.CreateFunctionStmt):
            above = sql[: sql.index("create", statement.stmt_location)].rstrip("\n")
            may_be_long = bool(EXCEPTION.match(above.rpartition("\n")[2]))
            findings += [
                Finding(name, above.count("\n") + 2, message)
                for message in check_function(statement.stmt, may_be_long=may_be_long)
            ]
    return findings


def check_function(function: ast.CreateFunctionStmt, *, may_be_long: bool) -> Iterator[str]:
    name = ".".join(part.sval for part in function.funcname or ())
    body, path = "", None
    for option in function.options or ():
        if option.defname == "as":
            body = option.arg[-1].sval
        if option.defname == "set" and option.arg.name == "search_path":
            path = [value.val.sval for value in option.arg.args or ()]
    lines = body.strip("\n").count("\n") + 1
    if lines > FUNCTION_LINES_MAX and not may_be_long:
        yield f"{name} has {lines} lines, more than {FUNCTION_LINES_MAX}"
    # A body that is no text (`return ...`) is parsed once, when it is made: no search_path reaches it.
    if path != SEARCH_PATH and function.sql_body is None:
        yield f"{name} does not set search_path = {', '.join(SEARCH_PATH)}"


def check_strings(name: str, text: str) -> Iterator[Finding]:
    for string in RAW_STRING.finditer(text):
        if program := PROGRAM.search(string[2]):
            line = text[: string.start()].count("\n") + 1
            message = f"a program in a string (`{program[0]}`): it belongs into a .sql file"
            yield Finding(name, line, message)


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[2]
    findings = check_tree(root)
    print(*findings, sep="\n", end="\n" if findings else "")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
