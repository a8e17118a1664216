"""The documentation's Python is Python, and names what there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import bemi

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "python" / "README.md", ROOT / "docs" / "guides" / "python.md"]
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("block", BLOCKS)
def test_examples_are_python(block: str) -> None:
    for node in ast.walk(ast.parse(block)):
        if isinstance(node, ast.ImportFrom) and node.module == "bemi":
            assert all(hasattr(bemi, alias.name) for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bemi":
            assert node.attr in (*bemi.__all__, "celery")


def test_all_public_names_are_documented() -> None:
    guide = PAGES[1].read_text()
    assert [name for name in bemi.__all__ if name not in guide and name != "Changes"] == []
