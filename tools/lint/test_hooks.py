"""The hook takes messages of the form that CONTRIBUTING wants, and says what is wrong with others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

HOOK = Path(__file__).resolve().parents[1] / "hooks" / "commit-msg"


def refusal(tmp_path: Path, message: str) -> str:
    file = tmp_path / "message"
    file.write_text(message)
    done = subprocess.run([HOOK, file], capture_output=True, text=True)
    assert (done.returncode == 0) == (done.stderr == "")
    return done.stderr


@pytest.mark.parametrize(
    "message",
    [
        "Confirm the slot after the commit",
        "Confirm the slot after the commit\n\nA crash lost a transaction.\n# a comment\n",
        "Merge branch 'x' into main",
    ],
)
def test_a_sentence_passes(tmp_path: Path, message: str) -> None:
    assert refusal(tmp_path, message) == ""


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("", "empty"),
        ("C" + "onfirm " * 12, "more than 72"),
        ("Confirm the slot.", "full stop"),
        ("confirm the slot", "capital letter"),
        ("wip", "capital letter"),
        ("Wip", "one word"),
        ("Confirm the slot\nafter the commit", "apart"),
    ],
)
def test_another_form_is_refused(tmp_path: Path, message: str, said: str) -> None:
    assert said in refusal(tmp_path, message)
