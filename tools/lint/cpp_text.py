"""C++ as the house rules see it: code without comments and literals, includes, functions.

No parser: tokens and braces are enough for what layers.py asks, and cost no dependency.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_SKIPPED = re.compile(
    r"""
      //[^\n]*
    | /\*.*?\*/
    | R"(?P<delimiter>[^()\s\\]*)\(.*?\)(?P=delimiter)"
    | "(?:\\.|[^"\\\n])*"
    | (?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'   # no digit before it: 1'000 is a number
    """,
    re.DOTALL | re.VERBOSE,
)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.)*", re.MULTILINE | re.DOTALL)
_NO_FUNCTION = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


@dataclass(frozen=True)
class Include:
    line: int
    path: str
    is_ours: bool  # in quotes


@dataclass(frozen=True)
class Function:
    name: str
    line: int
    length: int  # from the signature's first line to the closing brace


def without_comments_and_literals(text: str) -> str:
    """The code alone, every line where it was."""
    return _SKIPPED.sub(lambda match: _blank(match[0]), text)


def masked(text: str) -> str:
    """The same with every column where it was too: comments and literals are spaces."""
    return _SKIPPED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def includes(text: str) -> Iterator[Include]:
    for match in _INCLUDE.finditer(text):
        yield Include(line_of(text, match.start(1)), match[2], match[1] == '"')


def functions(code: str) -> Iterator[Function]:
    """The functions of `code`, which has no comments. A lambda counts into the one around it."""
    code = _DIRECTIVE.sub(lambda match: _blank(match[0]), code)
    open_blocks: list[tuple[int, str]] = []  # where each begins, and its function's name or ""
    head = 0
    for match in re.finditer(r"[{};]", code):
        if match[0] == "{":
            is_inside = any(name for _, name in open_blocks)
            name = "" if is_inside else _function_name(code[head : match.start()])
            start = head + len(code[head:]) - len(code[head:].lstrip())
            open_blocks.append((start, name))
        elif match[0] == "}" and open_blocks:
            start, name = open_blocks.pop()
            if name:
                first, last = line_of(code, start), line_of(code, match.start())
                yield Function(name, first, last - first + 1)
        head = match.end()


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _function_name(head: str) -> str:
    """The name when `head {` begins a function's body, else nothing."""
    before, parenthesis, _ = head.partition("(")
    if not parenthesis or _NO_FUNCTION.search(re.sub(r"\btemplate\s*<[^;]*?>", "", before)):
        return ""
    name = re.search(r"([\w:~]+|operator\W+)\s*$", before)
    return name[1].strip() if name else ""


def _blank(text: str) -> str:
    return " " + "\n" * text.count("\n")
