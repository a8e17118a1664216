"""The documentation's Python is Python, and names what there is."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

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


FIRST_STEPS = [
    (page, next(b for b in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL) if "FastAPI" in b))
    for page in [ROOT / "README.md", *PAGES]
]


@pytest.mark.parametrize("block", [block for _, block in FIRST_STEPS], ids=["readme", "package", "guide"])
def test_the_first_steps_work_for_who_has_signed_in_and_who_has_not(block: str) -> None:
    app = FastAPI()
    exec(textwrap.dedent(block), {"app": app})  # noqa: S102 - our own page

    @app.get("/look")
    def look(request: Request, user: int | None = None) -> dict[str, Any]:
        if user is not None:
            request.state.user_id = user
        return bemi.current_context()

    bemi.failures.clear()
    client = TestClient(app)
    signed_in, anonymous = client.get("/look?user=42").json(), client.get("/look").json()
    assert (signed_in["user_id"], signed_in["endpoint"]) == (42, "/look")
    assert (anonymous["user_id"], anonymous["endpoint"]) == (None, "/look")
    assert not bemi.failures


def test_all_public_names_are_documented() -> None:
    guide = PAGES[1].read_text()
    assert [name for name in bemi.__all__ if name not in guide and name != "Changes"] == []
