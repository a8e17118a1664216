"""The mutants of a C++ source: what one line can be changed into, so that a test should notice.

Works on text, as the lints do: never in comments or literals, directives, logs or assertions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cpp_text import masked

# Text of the code, after which stands what takes its place. clang-format puts spaces around every
# operator of two operands, which tells `a < b` from `vector<int>`.
_SWAPS = [
    ("comparison", r"(?<= )==(?= )", "!="),
    ("comparison", r"(?<= )!=(?= )", "=="),
    ("comparison", r"(?<= )<(?= )", "<="),
    ("comparison", r"(?<= )>(?= )", ">="),
    ("comparison", r"(?<= )<=(?= )", "<"),
    ("comparison", r"(?<= )>=(?= )", ">"),
    ("operator", r"(?<= )&&(?= |$)", "||"),
    ("operator", r"(?<= )\|\|(?= |$)", "&&"),
    ("operator", r"(?<= )\+(?= |$)", "-"),
    ("operator", r"(?<= )-(?= |$)", "+"),
    ("operator", r"(?<= )\*(?= )", "/"),
    ("operator", r"(?<= )\+=(?= )", "-="),
    ("operator", r"(?<= )-=(?= )", "+="),
    ("operator", r"(?<= )&(?= )", "|"),
    ("operator", r"(?<= )<<(?= )", ">>"),
    ("operator", r"(?<= )>>(?= )", "<<"),
    ("operator", r"\+\+(?=\w)", "--"),
    ("constant", r"\btrue\b", "false"),
    ("constant", r"\bfalse\b", "true"),
    ("negation", r"!(?=[\w(])", ""),
]
_SWAPS_COMPILED = [(kind, re.compile(pattern), replacement) for kind, pattern, replacement in _SWAPS]
_NUMBER = re.compile(r"(?<![\w.'])(\d+)(?=[UL]*\b)(?![\w.']*[.'x])")
_CONDITION = re.compile(r"\b(?:if|while) \(")
_RETURN = re.compile(r"\breturn ([^;]+);")
# A whole statement in one line that is no declaration: a call, an assignment, a jump, an early exit.
_STATEMENT = re.compile(
    r"""^\s*(?:
        (?:\+\+|--)?[\w.>\[\]*-]+(?:\([^;]*\))?(?:(?:\.|->)\w+\([^;]*\))*\s*;   # f(a).g(b);  ++x;
      | [\w.>\[\]*-]+\s[-+|&*]?=\s[^;]+;                                       # x = y;  x += y;
      | (?:if|while)\s\(.*\)\s(?:return|continue|break)\b[^;{]*;                # if (x) return y;
      | if\s\(.*\)\s[^;{]+;                                                    # if (x) f(y);
      | (?:continue|break);
    )\s*$""",
    re.VERBOSE,
)
_PAIR = re.compile(r"(?<=\()([\w.*&>-]+), ([\w.*&>-]+)(?=\))")
# Lines without decisions, and those whose mutants nobody could see: capacity, logs, our own bugs.
_QUIET = re.compile(
    r"^\s*(?:#|//|static_assert|using |template|namespace |case .*: return \"|ASSERT\()|"
    r"\breserve\(|\blog::\w+\(|\[\[|^\s*(?:class|struct|enum) "
)
_ENDS_STATEMENT = re.compile(r"[;{}:]\s*$|^\s*$|^\s*#")


@dataclass(frozen=True)
class Mutant:
    path: str  # from the project's root
    line: int
    kind: str
    before: str  # the whole lines
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.before.strip()}  =>  {self.after.strip() or '(removed)'}"

    def apply(self, text: str) -> str:
        lines = text.split("\n")
        lines[self.line - 1] = self.after
        return "\n".join(lines)


def mutants(path: str, text: str) -> list[Mutant]:
    """All of them, in the order of the lines."""
    found: dict[tuple[int, str], Mutant] = {}
    lines = text.split("\n")
    code_lines = masked(text).split("\n")
    in_log = False
    for number, (line, code) in enumerate(zip(lines, code_lines, strict=True), start=1):
        in_log = in_log or re.search(r"\blog::\w+\(", code) is not None
        quiet, in_log = in_log, in_log and not code.rstrip().endswith(";")
        if quiet or not code.strip() or _QUIET.search(code):
            continue
        before = code_lines[number - 2] if number > 1 else ""
        for kind, after in _changes(line, code, _ENDS_STATEMENT.search(before) is not None):
            if after != line:
                found.setdefault((number, after), Mutant(path, number, kind, line, after))
    return list(found.values())


def _changes(line: str, code: str, begins_statement: bool) -> Iterator[tuple[str, str]]:
    """The kind and the line that takes this one's place."""
    for kind, pattern, replacement in _SWAPS_COMPILED:
        for match in pattern.finditer(code):
            yield kind, line[: match.start()] + replacement + line[match.end() :]
    for match in _NUMBER.finditer(code):
        yield "constant", line[: match.start()] + str(int(match[1]) + 1) + line[match.end() :]
    yield from _negated_condition(line, code)
    for match in _PAIR.finditer(code):
        swapped = line[match.start(2) : match.end(2)] + ", " + line[match.start(1) : match.end(1)]
        yield "arguments", line[: match.start()] + swapped + line[match.end() :]
    for match in _RETURN.finditer(code):
        if match[1] not in ("{}", "true", "false", "nullptr", "std::nullopt", "0"):
            yield "returned value", line[: match.start(1)] + "{}" + line[match.end(1) :]
    if begins_statement and _STATEMENT.match(code) and not code.lstrip().startswith("return"):
        yield "removed statement", ""


def _negated_condition(line: str, code: str) -> Iterator[tuple[str, str]]:
    match = _CONDITION.search(code)
    if not match:
        return
    depth = 1
    for at in range(match.end(), len(code)):
        depth += {"(": 1, ")": -1}.get(code[at], 0)
        if depth == 0:
            condition = line[match.end() : at]
            if ";" not in code[match.end() : at] and not re.search(r"\bauto\b|\w [&*]?\w+ = ", condition):
                yield "negation", f"{line[: match.end()]}!({condition}){line[at:]}"
            return
