"""The closing line of `./dev test` is what CI believes: these check its arithmetic."""

from __future__ import annotations

from pathlib import Path

import pytest

from summary import main

CTEST = """<testsuite tests="3">
  <testcase name="change.lsn" classname="change.lsn" status="run"/>
  <testcase name="wal.stream" classname="wal.stream" status="fail"><failure message=""/></testcase>
  <testcase name="pg.tls" classname="pg.tls" status="notrun"><skipped message="SKIP"/></testcase>
</testsuite>"""

PYTEST = """<testsuites><testsuite>
  <testcase classname="test_sync" name="test_waits" time="0.1"/>
  <testcase classname="test_sync" name="test_fixture"><error message="boom"/></testcase>
</testsuite></testsuites>"""


def run(folder: Path, capsys: pytest.CaptureFixture[str], *suites: str) -> tuple[int, list[str]]:
    code = main([str(folder), *suites])
    return code, capsys.readouterr().out.splitlines()


def test_suites_of_both_kinds_add_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cpp.xml").write_text(CTEST)
    (tmp_path / "e2e.xml").write_text(PYTEST)
    code, lines = run(tmp_path, capsys, "cpp=8", "e2e=1")
    assert code == 1
    assert lines == [
        "failed: cpp: wal.stream",
        "failed: e2e: test_sync: test_fixture",
        "2 passed, 2 failed, 1 skipped",
    ]


def test_success_ends_with_the_plain_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "cpp.xml").write_text('<testsuite><testcase name="a" status="run"/></testsuite>')
    assert run(tmp_path, capsys, "cpp=0", "python=0") == (0, ["1 passed, 0 failed"])


def test_a_crashed_suite_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = run(tmp_path, capsys, "cpp=139")
    assert (code, lines[-1]) == (1, "0 passed, 1 failed")


def test_no_test_at_all_is_not_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, capsys, "cpp=0") == (1, ["no test has that name"])
